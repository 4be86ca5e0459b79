"""A project's settings as readers see them."""

import msgspec
from msgspec import Raw

from contracts.events.project import WeekStart


class ProjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """test_account_filters: a JSON list. version: of its stream."""

    team_id: int
    name: str
    timezone: str
    week_start_day: WeekStart
    test_account_filters: Raw
    version: int
