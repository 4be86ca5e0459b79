"""The people behind a number, as the persons endpoints show them (funnels.md section 10)."""

from uuid import UUID

import msgspec

from contracts.api.times import Time
from contracts.json import JsonObject


class MatchedEvent(msgspec.Struct, frozen=True):
    """An event that took a step, numbered from 1."""

    step: int
    uuid: str
    event: str
    timestamp: Time


class Actor(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The members that every kind of actor has.

    matched_events: ours; those of the reported attempt of a funnel, in step order.
    matched_recordings: always empty, as there are no recordings here. value_at_data_point: how many
    of the events that a number counts are the actor's; null of a funnel.
    """

    matched_events: list[MatchedEvent] = []
    matched_recordings: tuple[()] = ()
    value_at_data_point: int | None = None


class PersonActor(Actor, frozen=True, kw_only=True, tag="person"):
    """name: an email, a name, or a distinct id; what a person is best known by."""

    id: UUID
    uuid: UUID
    name: str
    distinct_ids: list[str]
    is_identified: bool
    created_at: Time
    properties: JsonObject


class GroupActor(Actor, frozen=True, kw_only=True, tag="group"):
    """created_at: null for a group that events name and nobody has described."""

    id: str
    group_key: str
    group_type_index: int
    name: str
    created_at: Time | None
    properties: JsonObject


class ValueActor(Actor, frozen=True, kw_only=True, tag="value"):
    """A value of the expression that a funnel is aggregated by, a session's id for instance."""

    id: str
    name: str
    created_at: None = None
    properties: dict[str, str] = {}


AnyActor = PersonActor | GroupActor | ValueActor


class People(msgspec.Struct, frozen=True):
    people: list[AnyActor]
    count: int


class PeoplePage(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `persons/funnel/`.

    results: always one. missing_persons: actors of this page without a person's record.
    """

    results: list[People]
    next: str | None
    initial: str
    missing_persons: int
    is_cached: bool
    last_refresh: Time
