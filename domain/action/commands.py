"""The commands on an action."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.events.action import NO_STEPS


class CreateAction(msgspec.Struct, frozen=True, kw_only=True):
    action_id: int
    name: str | None = None
    description: str = ""
    steps: Raw = NO_STEPS


class EditAction(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    steps: Raw | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


ActionCommand = CreateAction | EditAction
