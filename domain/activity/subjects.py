"""The thing that an entry is about, as far as its entries must know it."""

from collections.abc import Callable, Mapping
from typing import Any, get_args
from uuid import UUID

from msgspec.structs import replace

from contracts.api.webhooks import webhook_id
from contracts.codec import stored_name
from contracts.events.access import AccessEvent
from contracts.events.action import ActionCreated, ActionRenamed
from contracts.events.audit import ErasureEvent, HoldEvent, TrailEvent
from contracts.events.bus_consumer import BusConsumerCreated, BusConsumerRenamed
from contracts.events.cohort import CohortCreated, CohortPeopleAdded, CohortRenamed
from contracts.events.dashboard import DashboardCreated, DashboardRenamed
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDerivedNameChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
)
from contracts.events.project import ProjectRegistered, ProjectRenamed
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.sharing import SharingEvent
from contracts.events.streams import Stream, insight_stream, project_stream
from contracts.events.viewing import ViewingEvent
from contracts.events.webhook import WebhookChanged, WebhookCreated, WebhookSettings
from contracts.read_models.activity import ActivitySubject
from domain.insight.view import tile_of, with_tile


def subject_stream(fact: Recorded[DomainEvent]) -> UUID:
    """The stream of the thing that the fact is about: not always the one that it stands in."""
    about = _ELSEWHERE.get(type(fact.event))
    return fact.stream_id if about is None else about(fact.team_id, fact.event).id


def _insight_of(team_id: int, event: SharingEvent | ViewingEvent) -> Stream[DomainEvent]:
    return insight_stream(team_id, event.insight_id)


def _under_rules(team_id: int, event: AccessEvent) -> Stream[DomainEvent]:
    if event.insight_id is None:
        return project_stream(team_id)
    return insight_stream(team_id, event.insight_id)


_ELSEWHERE: Mapping[type[DomainEvent], Callable[[int, Any], Stream[DomainEvent]]] = {
    **dict.fromkeys((*get_args(SharingEvent), *get_args(ViewingEvent)), _insight_of),
    **dict.fromkeys(get_args(AccessEvent), _under_rules),
}
_NAMELESS: frozenset[type[DomainEvent]] = frozenset(
    kind for kinds in (TrailEvent, ErasureEvent, HoldEvent) for kind in get_args(kinds)
)


def subject_after(
    before: ActivitySubject | None, fact: Recorded[DomainEvent]
) -> ActivitySubject | None:
    """The thing after a fact of its own stream; `before` itself when it shows none of the change.

    Raises ValueError unless one creation comes first.
    """
    event = fact.event
    if type(event) in _NAMELESS:
        return None
    made = _MADE.get(type(event))
    if made is not None:
        if before is not None:
            raise ValueError(f"{stored_name(event)} came twice in stream {fact.stream_id}")
        return made(event)
    if before is None:
        kind = stored_name(event).partition(".")[0]
        raise ValueError(f"stream {fact.stream_id} does not begin with {kind}.created")
    moved = _MOVED.get(type(event))
    return before if moved is None else moved(before, event)


def _insight(event: InsightCreated) -> ActivitySubject:
    return ActivitySubject(
        item_id=str(event.insight_id),
        name=event.name,
        derived_name=event.derived_name,
        short_id=event.short_id,
    )


def _webhook_name(settings: WebhookSettings) -> str:
    """Its address is told by the host."""
    return settings.description or settings.host


_MADE: Mapping[type[DomainEvent], Callable[[Any], ActivitySubject]] = {
    InsightCreated: _insight,
    DashboardCreated: lambda event: ActivitySubject(
        item_id=str(event.dashboard_id), name=event.name
    ),
    ActionCreated: lambda event: ActivitySubject(item_id=str(event.action_id), name=event.name),
    CohortCreated: lambda event: ActivitySubject(item_id=str(event.cohort_id), name=event.name),
    # The project's number is in every one of its facts.
    ProjectRegistered: lambda event: ActivitySubject(item_id="", name=event.name),
    WebhookCreated: lambda event: ActivitySubject(
        item_id=webhook_id(event.webhook_id), name=_webhook_name(event.settings)
    ),
    BusConsumerCreated: lambda event: ActivitySubject(item_id=event.key, name=event.name),
}


def _renamed(subject: ActivitySubject, event: Any) -> ActivitySubject:
    return replace(subject, name=event.name)


def _derived(subject: ActivitySubject, event: InsightDerivedNameChanged) -> ActivitySubject:
    return replace(subject, derived_name=event.derived_name)


def _tile(
    subject: ActivitySubject, event: InsightAddedToDashboard | InsightRemovedFromDashboard
) -> ActivitySubject:
    return replace(subject, tiles=with_tile(subject.tiles, tile_of(event)))


def _more_people(subject: ActivitySubject, event: CohortPeopleAdded) -> ActivitySubject:
    return replace(subject, people=subject.people + len(event.person_ids))


def _webhook(subject: ActivitySubject, event: WebhookChanged) -> ActivitySubject:
    return replace(subject, name=_webhook_name(event.settings))


_MOVED: Mapping[type[DomainEvent], Callable[[ActivitySubject, Any], ActivitySubject]] = {
    InsightRenamed: _renamed,
    InsightDerivedNameChanged: _derived,
    InsightAddedToDashboard: _tile,
    InsightRemovedFromDashboard: _tile,
    DashboardRenamed: _renamed,
    ActionRenamed: _renamed,
    CohortRenamed: _renamed,
    CohortPeopleAdded: _more_people,
    ProjectRenamed: _renamed,
    WebhookChanged: _webhook,
    BusConsumerRenamed: _renamed,
}
