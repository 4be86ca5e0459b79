"""A version: one operation's place in the past of one stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

FOREVER = 2**63 - 1
"""The end of a version that no other has followed: it is so now."""

VersionActivity = Literal["created", "updated", "deleted", "restored"]


class VersionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One operation on one stream. first_version, version: its facts there.

    position: of the operation's last fact over all its streams; sequence: the project's own number
    of that one. at: of its last fact here. user_id: None for the system.
    """

    first_version: int
    version: int
    position: int
    sequence: int
    at: datetime
    user_id: int | None
    key_id: str | None
    activity: VersionActivity
    operation_id: UUID
    causation_id: UUID | None
