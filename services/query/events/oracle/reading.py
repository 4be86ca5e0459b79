"""Reads an event of a world for a plan: whether it passes, its values and its actor."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import assert_never
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
)
from services.query.events.expressions.parser import parse
from services.query.events.expressions.tree import Field, Property
from services.query.events.oracle.expressions import evaluate, holds, text
from services.query.events.oracle.operators import passes, text_of
from services.query.events.oracle.world import Event, World

Cohorts = Iterable[tuple[int, AnyCondition]]
_GROUP_KEYS = tuple(f"$group_{index}" for index in range(5))


class Reading:
    """world, and what its dynamic cohorts are made of. timezone: the project's."""

    def __init__(self, world: World, cohorts: Cohorts = (), timezone: str = "UTC") -> None:
        self.world = world
        self.cohorts = dict(cohorts)
        self.timezone = timezone

    # Conditions

    def passes(self, condition: AnyCondition, event: Event) -> bool:
        match condition:
            case AllOf(conditions=parts):
                return all(self.passes(part, event) for part in parts)
            case AnyOf(conditions=parts):
                return any(self.passes(part, event) for part in parts)
            case EventNamed(names=names):
                return event.event in names
            case PropertyIs(type=type_, key=key, group_type_index=index):
                value = self.text(type_, key, event, index)
                return passes(condition, value, self.timezone)
            case InCohort(cohort_id=cohort, negated=negated):
                return (self.world.person(event) in self.members(cohort)) != negated
            case OnDays(days=days):
                return event.at.astimezone(ZoneInfo(self.timezone)).isoweekday() in days
            case Expression(text=sent):
                return holds(evaluate(parse(sent), lambda one: self.field(one, event)))
            case _:
                assert_never(condition)

    def members(self, cohort: int) -> frozenset[UUID]:
        """The present members, static or dynamic; who was put on a list and merged since is found
        under the new id.
        """
        if cohort in self.cohorts:
            condition = self.cohorts[cohort]
            return frozenset(id_ for id_ in self.world.persons if self._person_is(condition, id_))
        listed = self.world.lists.get(cohort, frozenset())
        return listed | {self.world.merged[id_] for id_ in listed if id_ in self.world.merged}

    def _person_is(self, condition: AnyCondition, person: UUID) -> bool:
        match condition:
            case AllOf(conditions=parts):
                return all(self._person_is(part, person) for part in parts)
            case AnyOf(conditions=parts):
                return any(self._person_is(part, person) for part in parts)
            case InCohort(cohort_id=cohort, negated=negated):
                return (person in self.members(cohort)) != negated
            case PropertyIs(type="person", key=key):
                return passes(condition, self.person_text(person, key), self.timezone)
            case _:
                raise ValueError(f"no condition on a person: {condition!r}")

    # Values: text as filters and breakdowns compare it, None for none

    def text(self, type_: str, key: str, event: Event, index: int | None = None) -> str | None:
        """A property of the event's. type_: as `PropertyIs` has it."""
        match type_:
            case "event" if key not in _GROUP_KEYS:
                return text_of(event.properties.get(key))
            case "event" | "event_metadata":
                return self._column(key, event)
            case "person":
                return self.person_text(self.world.person(event), key)
            case "group":
                record = self.world.groups.get((index or 0, event.groups[index or 0]))
                return None if record is None else text_of(record.properties.get(key))
            case "session":
                return self.sessions.get(event.session_id, {}).get(key)
            case _:
                raise NotImplementedError(type_)

    def key_text(self, key: Key, event: Event) -> str | None:
        """The event's value of a breakdown's key."""
        match key:
            case PropertyKey(of=of, name=name):
                return self.text(of, name, event)
            case GroupKey(index=index, name=name):
                return self.text("group", name, event, index)
            case ExpressionKey(text=sent):
                return text(evaluate(parse(sent), lambda one: self.field(one, event)))
            case _:
                assert_never(key)

    def person_text(self, person: UUID, key: str) -> str | None:
        """A property of the person as it is now."""
        record = self.world.persons.get(person)
        return None if record is None else text_of(record.properties.get(key))

    def field(self, field: Field | Property, event: Event) -> str | None:
        """The event's value of an expression's field."""
        if isinstance(field, Property):
            return self.text(field.of, field.key, event)
        return self._column(field.name, event)

    def _column(self, key: str, event: Event) -> str | None:
        match key:
            case "event":
                return event.event
            case "distinct_id":
                return event.distinct_id
            case "timestamp":
                return f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z"
            case "person_id":
                return str(self.world.person(event))
            case _ if key in _GROUP_KEYS:
                return event.groups[_GROUP_KEYS.index(key)] or None
            case _:
                return None

    # Sessions: of all events that name one, whenever they were

    @cached_property
    def sessions(self) -> Mapping[str, Mapping[str, str | None]]:
        """session id -> its properties."""
        by_session: dict[str, list[Event]] = defaultdict(list)
        for event in self.world.events:
            if event.session_id:
                by_session[event.session_id].append(event)
        return {id_: _session(events) for id_, events in by_session.items()}

    # Actors

    def actor(self, actor: AnyActor, event: Event) -> str | None:
        """The actor that the event counts for; None: nobody."""
        match actor:
            case PersonActor():
                return str(self.world.person(event))
            case GroupActor(index=index):
                return event.groups[index] or None
            case ExpressionActor(text=sent):
                return text(evaluate(parse(sent), lambda one: self.field(one, event))) or None
            case _:
                assert_never(actor)


def _session(events: list[Event]) -> dict[str, str | None]:
    """A session's properties, of funnels.md section 4."""
    events = sorted(events, key=lambda event: (event.at, event.uuid))
    first, last = events[0].at, events[-1].at
    seconds = int(last.timestamp()) - int(first.timestamp())
    pages = sum(event.event == "$pageview" for event in events)
    clicked = any(event.event == "$autocapture" for event in events)
    urls = [url for event in events if (url := text_of(event.properties.get("$current_url")))]
    entry, end = (urls[0], urls[-1]) if urls else (None, None)
    bounced = pages == 1 and not clicked and seconds < 10
    return {
        "$session_duration": str(seconds),
        "$start_timestamp": f"{first:%Y-%m-%dT%H:%M:%S.%f}Z",
        "$end_timestamp": f"{last:%Y-%m-%dT%H:%M:%S.%f}Z",
        "$pageview_count": str(pages),
        "$is_bounce": ("true" if bounced else "false") if pages else None,
        "$entry_current_url": entry,
        "$end_current_url": end,
        "$entry_pathname": None if entry is None else urlsplit(entry).path,
        "$end_pathname": None if end is None else urlsplit(end).path,
    }
