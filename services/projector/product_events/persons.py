"""The person of a distinct id: client-compat.md section 3, "Identity", on values alone."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

import msgspec

from contracts.product_events import CapturedEvent, JsonObject, PersonChange

# Of person ids: a replay of the same events gives the same persons.
_NAMESPACE: Final = UUID("2f5d8b8e-6d0c-5f4e-9a52-7b3c1e0d9f11")

_NOBODY = frozenset(
    {"anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email",
     "undefined", "true", "false"}
)  # fmt: skip
# The last: all visitors of a site whose posthog-js keeps no cookies.
_NOBODY_EXACTLY = frozenset(
    {"[object Object]", "NaN", "None", "none", "null", "0", "", "$posthog_cookieless"}
)

Id = tuple[int, str]
"""team_id, distinct id."""
PersonKey = tuple[int, UUID]
"""team_id, person id."""


class Person(msgspec.Struct, frozen=True):
    """A person's record. created_at: microseconds since 1970."""

    properties: JsonObject
    is_identified: bool
    created_at: int


class KnownPersons(msgspec.Struct, frozen=True):
    """Persons that were stored for a batch's distinct ids. An id in `ids` may have no record."""

    ids: Mapping[Id, UUID]
    persons: Mapping[PersonKey, Person]


class Changes(msgspec.Struct, frozen=True):
    """The changes of persons that a batch makes.

    ids: new or moved. merged: person -> the one it is part of from now on, which is in no key here.
    persons: records as they are now. removed: records that merging ended.
    """

    ids: Mapping[Id, UUID]
    merged: Mapping[PersonKey, UUID]
    persons: Mapping[PersonKey, Person]
    removed: frozenset[PersonKey]


def person_id(team_id: int, distinct_id: str) -> UUID:
    """Of the person that this distinct id is the first one of."""
    return uuid5(_NAMESPACE, f"{team_id}:{distinct_id}")


def can_merge(distinct_id: str) -> bool:
    """Whether this id may name a person; "null" and its like are many people's."""
    bare = distinct_id
    if len(bare) >= 2 and bare[0] == bare[-1] and bare[0] in "'\"`":
        bare = bare[1:-1]
    bare = bare.strip()
    return bare not in _NOBODY_EXACTLY and bare.lower() not in _NOBODY


class Identities:
    """Follows the events of a batch, in stream order, from what was known before it."""

    def __init__(self, known: KnownPersons) -> None:
        self._ids = dict(known.ids)
        self._ids_of: dict[PersonKey, set[Id]] = {}
        for key, person in known.ids.items():
            self._ids_of.setdefault((key[0], person), set()).add(key)
        self._persons = dict(known.persons)
        self._new_ids: dict[Id, UUID] = {}
        self._merged: dict[PersonKey, UUID] = {}
        self._changed: set[PersonKey] = set()
        self._removed: set[PersonKey] = set()

    def follow(self, team_id: int, event: CapturedEvent) -> UUID:
        """Apply what the event says about its person; the person it belongs to."""
        change = event.person
        if change is not None and change.joins is not None:
            self._join(team_id, event.distinct_id, change.joins, event.timestamp, change.forced)
        person = self._ids.get((team_id, event.distinct_id))
        if person is None:
            person = person_id(team_id, event.distinct_id)
            self._assign((team_id, event.distinct_id), person)
        if event.profile or (change is not None and change.joins is not None):
            self._record((team_id, person), event.timestamp)
            if change is not None:
                self._update((team_id, person), change)
        return person

    def changes(self) -> Changes:
        return Changes(
            ids=self._new_ids,
            merged={key: self._final(key) for key in self._merged},
            persons={key: self._persons[key] for key in self._changed},
            removed=frozenset(self._removed),
        )

    def _join(self, team_id: int, into: str, joining: str, at: int, forced: bool) -> None:
        if into == joining or not can_merge(into) or not can_merge(joining):
            return
        target = self._ids.get((team_id, into))
        other = self._ids.get((team_id, joining))
        if target is None and other is None:
            person = person_id(team_id, into)
            self._assign((team_id, into), person)
            self._assign((team_id, joining), person)
        elif other is None and target is not None:
            self._assign((team_id, joining), target)
        elif target is None and other is not None:
            self._assign((team_id, into), other)
        elif target is not None and other is not None and target != other:
            record = self._persons.get((team_id, other))
            if record is not None and record.is_identified and not forced:
                return
            self._merge(team_id, target, other)
        self._identify((team_id, self._ids[team_id, into]), at)

    def _merge(self, team_id: int, target: UUID, other: UUID) -> None:
        winner, loser = (team_id, target), (team_id, other)
        self._merged[loser] = target
        for key in self._ids_of.pop(loser, set()):
            self._assign(key, target)
        record = self._persons.pop(loser, None)
        self._changed.discard(loser)
        if record is None:
            return
        self._removed.add(loser)
        mine = self._persons.get(winner)
        if mine is None:
            self._put(winner, record)
            return
        self._put(
            winner,
            Person(
                properties={**record.properties, **mine.properties},
                is_identified=mine.is_identified or record.is_identified,
                created_at=min(mine.created_at, record.created_at),
            ),
        )

    def _final(self, key: PersonKey) -> UUID:
        target = self._merged[key]
        while (next_ := self._merged.get((key[0], target))) is not None:
            target = next_
        return target

    def _assign(self, key: Id, person: UUID) -> None:
        self._ids[key] = self._new_ids[key] = person
        self._ids_of.setdefault((key[0], person), set()).add(key)

    def _put(self, key: PersonKey, person: Person) -> None:
        self._persons[key] = person
        self._changed.add(key)

    def _record(self, key: PersonKey, at: int) -> Person:
        found = self._persons.get(key)
        if found is None:
            found = Person({}, False, at)
            self._put(key, found)
        return found

    def _identify(self, key: PersonKey, at: int) -> None:
        person = self._record(key, at)
        if not person.is_identified:
            self._put(key, msgspec.structs.replace(person, is_identified=True))

    def _update(self, key: PersonKey, change: PersonChange) -> None:
        person = self._persons[key]
        properties = updated(person.properties, change)
        identified = person.is_identified or change.identifies
        if properties != person.properties or identified != person.is_identified:
            self._put(key, Person(properties, identified, person.created_at))


def updated(properties: JsonObject, change: PersonChange) -> JsonObject:
    """$set_once where there is nothing yet, then $set, then $unset."""
    if not (change.set or change.set_once or change.unset):
        return properties
    result = {**change.set_once, **properties, **change.set}
    for key in change.unset:
        result.pop(key, None)
    return result
