"""The commands on a project's settings."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.events.project import ProjectRegistered, WeekStart


class RegisterProject(msgspec.Struct, frozen=True):
    """made: what the project was made with."""

    made: ProjectRegistered


class ChangeProject(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. made: the settings that the project was made with, while no
    fact has them.
    """

    made: ProjectRegistered
    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    week_start_day: WeekStart | UnsetType = UNSET
    test_account_filters: Raw | UnsetType = UNSET


ProjectCommand = RegisterProject | ChangeProject
