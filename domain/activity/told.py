"""What the activity log tells of each fact, of every kind, and of several in one entry."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, assert_never, get_args

import msgspec
from msgspec.structs import replace

from contracts.events.access import AccessEvent, AccessGranted, Grantee, Level
from contracts.events.action import ActionCreated, ActionDeleted, ActionEvent, ActionRestored
from contracts.events.audit import (
    AuditEvent,
    ErasureCompleted,
    ErasureRequested,
    HoldLifted,
    HoldPlaced,
    KeyRotated,
    LogVoided,
    PayloadErased,
    ReadsExpired,
    ReadsSealed,
    RowHealed,
)
from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerEvent,
    BusConsumerPaused,
    BusConsumerResumed,
    BusPasswordRotated,
)
from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortEvent,
    CohortPeopleAdded,
    CohortRestored,
)
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardEvent,
    DashboardRestored,
    TileAdded,
    TileArranged,
)
from contracts.events.insight import InsightEvent
from contracts.events.project import ProjectEvent, ProjectRegistered
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.sharing import SharingEvent
from contracts.events.viewing import ViewingEvent
from contracts.events.webhook import (
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEvent,
    WebhookLaneParked,
    WebhookLaneReleased,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from contracts.read_models.activity import ActivitySubject, Change, Scope
from domain.action import changes as action
from domain.bus_consumer import changes as bus_consumer
from domain.changes import change
from domain.cohort import changes as cohort
from domain.dashboard import changes as dashboard
from domain.insight import changes as insight
from domain.project import changes as project
from domain.sharing import changes as sharing
from domain.viewing import activity as viewing
from domain.viewing.activity import VIEWED
from domain.webhook import changes as webhook

CREATED, UPDATED, DELETED, RESTORED = "created", "updated", "deleted", "restored"
ACCESS_CHANGED = "access changed"
SECRET_ROTATED = "secret rotated"  # noqa: S105 - the name of an activity

Changes = Mapping[tuple[str, int], Change]
"""By their fields, and by the part of the field that each is of: a dashboard's tile, a grantee."""

NO_CHANGES: Changes = {}


class Told(msgspec.Struct, frozen=True, gc=False):
    """An entry, as if one fact were its operation's only one.

    item_id: None: that of the thing itself. changes: None for `created`.
    """

    scope: Scope
    activity: str
    changes: Changes | None
    item_id: str | None = None
    quiet: bool = False


Subject = ActivitySubject | None


def told(fact: Recorded[DomainEvent], before: Subject, after: Subject) -> Told | None:
    """before, after: the thing around the fact. None: the fact says something of its operation, and
    the entries of what it stands beside carry it.
    """
    tell = _TELLERS.get(type(fact.event))
    return None if tell is None else tell(fact, before, after)


def merged(entry: Told, newer: Told) -> Told:
    """The entry with one more fact of the same operation."""
    heavier = _WEIGHT.get(newer.activity, 2) > _WEIGHT.get(entry.activity, 2)
    return replace(
        entry,
        activity=newer.activity if heavier else entry.activity,
        # PostHog: a creation has no changes, whatever it brings along.
        changes=None if entry.activity == CREATED else _joined(entry.changes, newer.changes),
        quiet=entry.quiet and newer.quiet,
    )


# The activity of an operation whose facts differ: the heaviest's; unnamed ones come in between.
_WEIGHT = {CREATED: 3, UPDATED: 1, "sharing changed": 1, VIEWED: 0}


def _joined(known: Changes | None, more: Changes | None) -> Changes:
    """One per field and part, in the order of the facts: the first before and the last after."""
    fields = dict(known or NO_CHANGES)
    for key, each in (more or NO_CHANGES).items():
        first = fields.get(key)
        fields[key] = each if first is None else change(*_span(first, each))
    return fields


def _span(first: Change, last: Change) -> tuple[str, object, object, str]:
    return last.field, first.before, last.after, last.type


def _by_field(changes: Iterable[Change]) -> Changes:
    return {(each.field, 0): each for each in changes}


def _of_insight(fact: Recorded[InsightEvent], before: Subject, after: Subject) -> Told:
    activity = insight.activity_name(fact.event)
    if activity == CREATED:
        return Told("Insight", activity, None)
    tiles = before.tiles if before else ()
    changes = insight.changes(fact.event, tiles, after.tiles if after else tiles)
    return Told("Insight", activity, _by_field(changes), quiet=insight.is_quiet(fact.event))


def _of_sharing(fact: Recorded[SharingEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    return Told(
        "Insight",
        sharing.activity_name(event),
        _by_field(sharing.activity_changes(event)),
        str(event.insight_id),
        sharing.is_quiet(event),
    )


def _of_viewing(fact: Recorded[ViewingEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    return Told(
        "Insight",
        viewing.activity_name(event),
        None,
        str(event.insight_id),
        viewing.is_quiet(event),
    )


def _of_access(fact: Recorded[AccessEvent], _before: Subject, _after: Subject) -> Told:
    """PostHog's log does not know rules of an insight, so there they are quiet."""
    event = fact.event
    level = event.level if isinstance(event, AccessGranted) else None
    scope: Scope = "Team" if event.insight_id is None else "Insight"
    before, after = _rule(event.grantee, event.previous), _rule(event.grantee, level)
    part = event.grantee.user_id if event.grantee else 0
    return Told(
        scope,
        ACCESS_CHANGED,
        {("access_control", part): change("access_control", before, after, scope)},
        str(fact.team_id if event.insight_id is None else event.insight_id),
        quiet=scope == "Insight",
    )


def _rule(grantee: Grantee | None, level: Level | None) -> dict[str, object] | None:
    """grantee: null for everyone."""
    return None if level is None else {"grantee": grantee, "level": level}


def _of_dashboard(fact: Recorded[DashboardEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    match event:
        case DashboardCreated():
            return Told("Dashboard", CREATED, None)
        case TileAdded():
            part, before, after = event.tile_id, None, {"id": event.tile_id}
            return Told("Dashboard", UPDATED, _tile(part, before, after))
        case TileArranged():
            return Told(
                "Dashboard",
                UPDATED,
                _tile(
                    event.tile_id,
                    {
                        "id": event.tile_id,
                        "color": event.previous_color,
                        "layouts": event.previous_layouts,
                    },
                    {"id": event.tile_id, "color": event.color, "layouts": event.layouts},
                ),
            )
        case _:
            activity = _between(event, DashboardDeleted, DashboardRestored)
            return Told("Dashboard", activity, _by_field(dashboard.changes(event)))


def _tile(part: int, before: object, after: object) -> Changes:
    """Tiles by their own numbers: an insight of a tile may be hidden."""
    return {("tiles", part): change("tiles", before, after, "Dashboard")}


def _of_action(fact: Recorded[ActionEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    if isinstance(event, ActionCreated):
        return Told("Action", CREATED, None)
    activity = _between(event, ActionDeleted, ActionRestored)
    return Told("Action", activity, _by_field(action.changes(event)))


def _of_cohort(fact: Recorded[CohortEvent], before: Subject, after: Subject) -> Told:
    """People are counted and not named."""
    event = fact.event
    if isinstance(event, CohortCreated):
        return Told("Cohort", CREATED, None)
    if isinstance(event, CohortPeopleAdded):
        known, now = (each.people if each else 0 for each in (before, after))
        return Told("Cohort", UPDATED, _by_field([change("people", known, now, "Cohort")]))
    activity = _between(event, CohortDeleted, CohortRestored)
    return Told("Cohort", activity, _by_field(cohort.changes(event)))


def _of_project(fact: Recorded[ProjectEvent], _before: Subject, _after: Subject) -> Told:
    """A project that was there before its facts is registered beside its first change."""
    changes = () if isinstance(fact.event, ProjectRegistered) else project.changes(fact.event)
    of_team = [replace(each, type="Team") for each in changes]
    return Told("Team", UPDATED, _by_field(of_team), str(fact.team_id))


def _of_webhook(fact: Recorded[WebhookEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    changes = None
    match event:
        case WebhookCreated():
            activity = CREATED
        case WebhookPaused():
            activity = "paused"
        case WebhookResumed():
            activity = "resumed"
        case WebhookDisabled():
            activity = "disabled"
        case WebhookSecretRotated():
            activity, changes = SECRET_ROTATED, NO_CHANGES
        case WebhookLaneParked():
            activity = "lane parked"
        case WebhookLaneReleased():
            activity = "lane released"
        case WebhookDeleted():
            activity = DELETED
        case _:
            activity = UPDATED
    if changes is None and activity != CREATED:
        changes = _by_field(webhook.changes(event))
    return Told("Webhook", activity, changes)


def _of_bus_consumer(fact: Recorded[BusConsumerEvent], _before: Subject, _after: Subject) -> Told:
    event = fact.event
    changes = None
    match event:
        case BusConsumerCreated():
            activity = CREATED
        case BusConsumerPaused():
            activity = "paused"
        case BusConsumerResumed():
            activity = "resumed"
        case BusPasswordRotated():
            activity, changes = SECRET_ROTATED, NO_CHANGES
        case BusConsumerDeleted():
            activity = DELETED
        case _:
            activity = UPDATED
    if changes is None and activity != CREATED:
        changes = _by_field(bus_consumer.changes(event))
    return Told("BusConsumer", activity, changes)


def _of_audit(fact: Recorded[AuditEvent], _before: Subject, _after: Subject) -> Told | None:
    """In counts and sequences. The item is the stream, as events name it. A seal is nobody's doing:
    it comes by the clock, and makes no entry.
    """
    event = fact.event
    match event:
        case ReadsSealed():
            return None
        case ReadsExpired():
            span = {"through": event.through, "count": event.count}
            return _audit("reads expired", "audit/0", {("reads", 0): (None, span)})
        case KeyRotated():
            return _audit("key rotated", "audit/0", {("key", 0): (event.old, event.new)})
        case RowHealed():
            return _audit("healed", "audit/0", {("row", fact.version): (None, _plain(event))})
        case LogVoided():
            return _audit("voided", "audit/0", {("log", fact.version): (None, _plain(event))})
        case ErasureRequested():
            what = f"erasure/{event.erasure_id}"
            return _audit("erasure requested", what, {("reason", 0): (None, event.reason)})
        case PayloadErased():
            what = f"erasure/{event.erasure_id}"
            return _audit("erased", what, {("erased", fact.version): (None, _plain(event))})
        case ErasureCompleted():
            what = f"erasure/{event.erasure_id}"
            done = {"state": event.state, "counts": event.counts}
            return _audit("erasure completed", what, {("completed", 0): (None, done)})
        case HoldPlaced():
            what = f"hold/{event.hold_id}"
            return _audit("hold placed", what, {("hold", 0): (None, _plain(event))})
        case HoldLifted():
            return _audit("hold lifted", f"hold/{event.hold_id}", {("held", 0): (True, False)})
        case _:
            assert_never(event)


def _audit(
    activity: str, item_id: str, changes: Mapping[tuple[str, int], tuple[object, object]]
) -> Told:
    made = {key: change(key[0], *sides, "Audit") for key, sides in changes.items()}
    return Told("Audit", activity, made, item_id)


def _plain(event: RowHealed | LogVoided | PayloadErased | HoldPlaced) -> dict[str, object]:
    return msgspec.structs.asdict(event)


def _between(event: object, deleted: type[Any], restored: type[Any]) -> str:
    if isinstance(event, deleted):
        return DELETED
    return RESTORED if isinstance(event, restored) else UPDATED


_Teller = Callable[[Any, Subject, Subject], Told | None]
_OF_KINDS: Mapping[Any, _Teller] = {
    InsightEvent: _of_insight,
    SharingEvent: _of_sharing,
    ViewingEvent: _of_viewing,
    AccessEvent: _of_access,
    DashboardEvent: _of_dashboard,
    ActionEvent: _of_action,
    CohortEvent: _of_cohort,
    ProjectEvent: _of_project,
    WebhookEvent: _of_webhook,
    BusConsumerEvent: _of_bus_consumer,
    AuditEvent: _of_audit,
}
_TELLERS: Mapping[type[DomainEvent], _Teller] = {
    kind: tell for kinds, tell in _OF_KINDS.items() for kind in get_args(kinds)
}
TOLD: frozenset[type[DomainEvent]] = frozenset(_TELLERS)
"""The facts that make entries."""
