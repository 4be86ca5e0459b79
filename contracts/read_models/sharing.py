"""An insight's sharing configuration; tokens and passwords stay in their own plain tables."""

from datetime import datetime

import msgspec
from msgspec import Raw

from contracts.json import NULL


class GraceToken(msgspec.Struct, frozen=True):
    """A token that was rotated away and still works until then."""

    token_id: int
    until: datetime


class PasswordRow(msgspec.Struct, frozen=True):
    id: int
    note: str | None
    created_at: datetime
    created_by: int | None


class SharingRow(msgspec.Struct, frozen=True, kw_only=True):
    """created_at: the first switching on. token_id: None until then, and while it is off.

    settings: the document `null` until set.
    version: of the sharing stream, the number in the ETag.
    """

    team_id: int
    insight_id: int
    enabled: bool = False
    created_at: datetime | None = None
    token_id: int | None = None
    grace: tuple[GraceToken, ...] = ()
    settings: Raw = NULL
    password_required: bool = False
    passwords: tuple[PasswordRow, ...] = ()
    version: int = 0
