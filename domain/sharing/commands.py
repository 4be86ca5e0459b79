"""The commands on an insight's sharing.

Tokens and passwords are stored before; commands carry their ids.
"""

import msgspec
from msgspec import UNSET, Raw, UnsetType


class ChangeSharing(msgspec.Struct, frozen=True, kw_only=True):
    """token_id: a token made for the case that this switches sharing on."""

    insight_id: int
    token_id: int
    enabled: bool | UnsetType = UNSET
    settings: Raw | UnsetType = UNSET
    password_required: bool | UnsetType = UNSET


class RotateAccessToken(msgspec.Struct, frozen=True, kw_only=True):
    insight_id: int
    token_id: int
    grace_seconds: int


class AddSharePassword(msgspec.Struct, frozen=True, kw_only=True):
    insight_id: int
    password_id: int
    note: str | None = None


class RemoveSharePassword(msgspec.Struct, frozen=True, kw_only=True):
    insight_id: int
    password_id: int


SharingCommand = ChangeSharing | RotateAccessToken | AddSharePassword | RemoveSharePassword
