"""The activity log on the wire."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.api.insights import UserBody
from contracts.api.times import Time, written
from contracts.read_models.activity import ActivityRow, Change, Scope
from contracts.triggers import Trigger

# PostHog does not tell of these; an entry that has other changes leaves them out as well.
QUIET_FIELDS = frozenset({"saved", "order", "sharing_settings"})


class ActivityUser(msgspec.Struct, frozen=True, kw_only=True):
    """The user who did it. is_system: there only when Recount itself did."""

    first_name: str
    email: str | None
    is_system: bool | UnsetType = UNSET


SYSTEM = ActivityUser(first_name="System", email=None, is_system=True)


class ChangeBody(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    action: Literal["created", "changed", "deleted"]
    field: str
    before: Raw
    after: Raw


class ActivityDetail(msgspec.Struct, frozen=True, kw_only=True):
    """changes: null for a creation. trigger: what led to it, if not somebody's change alone.
    name: the insight's at that moment.
    """

    id: None = None
    changes: tuple[ChangeBody, ...] | None
    merge: None = None
    trigger: Trigger | None = None
    name: str | None
    short_id: str
    type: None = None


class ActivityEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One operation's effect on one thing. item_id: the thing's; an insight's number, as text.

    sequence: of the entry's last fact in the project's chain. operation_id: of the command;
    key_id: of the key it came with, null without one.
    """

    id: UUID
    user: ActivityUser | None
    activity: str
    scope: Scope
    item_id: str
    detail: ActivityDetail
    created_at: Time
    sequence: int
    operation_id: UUID
    key_id: str | None

    @classmethod
    def of(
        cls,
        row: ActivityRow,
        trigger: Trigger | None,
        users: Mapping[int, UserBody],
        *,
        quiet: bool,
    ) -> "ActivityEntry":
        """quiet: with the changes that PostHog does not tell of."""
        return cls(
            id=row.id,
            user=_user(row.user_id, users),
            activity=row.activity,
            scope=row.scope,
            item_id=row.item_id,
            detail=activity_detail(row, trigger, quiet=quiet),
            created_at=written(row.at),
            sequence=row.sequence,
            operation_id=row.operation_id,
            key_id=row.key_id,
        )


class ActivityPage(msgspec.Struct, frozen=True, kw_only=True):
    """next, previous: absolute URLs; with `after`, next is always there.

    total_count: where pages are numbered. through: a cursor, the last entry of the project's chain
    that was looked at.
    """

    results: tuple[ActivityEntry, ...]
    next: str | None
    previous: str | None
    total_count: int | UnsetType = UNSET
    through: str


def told_changes(row: ActivityRow, *, quiet: bool) -> tuple[Change, ...] | None:
    """quiet: with those that PostHog does not tell of."""
    changes = row.details.changes
    if changes is None or quiet or row.scope != "Insight":
        return changes
    return tuple(each for each in changes if each.field not in QUIET_FIELDS)


def activity_detail(row: ActivityRow, trigger: Trigger | None, *, quiet: bool) -> ActivityDetail:
    changes = told_changes(row, quiet=quiet)
    return ActivityDetail(
        changes=None if changes is None else tuple(map(_change, changes)),
        trigger=trigger,
        name=row.details.name,
        short_id=row.details.short_id,
    )


def _user(number: int | None, users: Mapping[int, UserBody]) -> ActivityUser | None:
    if number is None:
        return SYSTEM
    user = users.get(number)
    return None if user is None else ActivityUser(first_name=user.first_name, email=user.email)


def _change(change: Change) -> ChangeBody:
    return ChangeBody(
        type=change.type,
        action=change.action,
        field=change.field,
        before=change.before,
        after=change.after,
    )
