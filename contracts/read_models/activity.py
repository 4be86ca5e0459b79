"""The activity log: one entry per command that changed an insight or its sharing."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.triggers import Trigger


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field's before and after, as they are shown; `null` is a document too.

    action: created when there was nothing before, deleted when there is nothing after.
    """

    type: str = "Insight"
    action: Literal["created", "changed", "deleted"]
    field: str
    before: Raw
    after: Raw


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. id: UUIDv5 of operation and stream, so that a replay gives the same.

    changes: None for `created`, else in the order of the facts.
    name: the insight's name, else its derived name, at that moment.
    quiet: shown under `?all=true` only (PostHog logs nothing there).
    user_id: None for the system.
    """

    id: UUID
    team_id: int
    insight_id: int
    activity: str
    changes: tuple[Change, ...] | None
    name: str | None
    short_id: str
    user_id: int | None
    at: datetime
    position: int
    quiet: bool = False


class ActivityOrigin(msgspec.Struct, frozen=True):
    """Of an entry: its operation, the key that it came with, and what led to it."""

    operation_id: UUID
    key_id: str | None = None
    trigger: Trigger | None = None
