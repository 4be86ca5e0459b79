"""The activity log in the shape that PostHog's own doors have it in."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from contracts.api.activity import ActivityDetail, activity_detail
from contracts.api.insights import UserBody
from contracts.api.times import Time, written
from contracts.ocsf.base import Event
from contracts.read_models.activity import ActivityRow, Scope
from contracts.triggers import Trigger


class LogUser(UserBody, frozen=True, kw_only=True):
    """A user as an insight names one."""

    role_at_organization: None = None


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One operation's effect on one thing. user: null for Recount itself (`is_system`), and once
    the user is gone.
    """

    id: UUID
    user: LogUser | None
    unread: bool = False
    organization_id: UUID
    was_impersonated: bool = False
    is_system: bool
    activity: str
    item_id: str
    scope: Scope
    detail: ActivityDetail
    created_at: Time

    @classmethod
    def of(
        cls,
        row: ActivityRow,
        trigger: Trigger | None,
        users: Mapping[int, UserBody],
        organization_id: UUID,
        *,
        quiet: bool,
    ) -> "LogEntry":
        """quiet: with the changes that PostHog does not tell of."""
        user = users.get(row.user_id or 0)
        return cls(
            id=row.id,
            user=None if user is None else LogUser(**msgspec.structs.asdict(user)),
            organization_id=organization_id,
            is_system=row.user_id is None,
            activity=row.activity,
            item_id=row.item_id,
            scope=row.scope,
            detail=activity_detail(row, trigger, quiet=quiet),
            created_at=written(row.at),
        )


class LogPageBody(msgspec.Struct, frozen=True, kw_only=True):
    """next, previous: absolute URLs; with `follow=true` next is always there."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[LogEntry, ...]


class OcsfPageBody(msgspec.Struct, frozen=True, kw_only=True):
    """The same with `schema=ocsf`: OCSF 1.5.0 events."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[Event, ...]
