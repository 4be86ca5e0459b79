"""Random worlds for trends, stickiness and lifecycle, biased to what is hard.

Days around changes of clocks, events at the very edges of periods and a microsecond beside them,
ties, merges, persons and groups without a record, properties that are missing, null or odd.
Numbers are few binary digits long, so that sums are exact in any order.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.query.events.oracle.world import Event, Record, World

MICROSECOND = timedelta(microseconds=1)
ZONES: Sequence[tuple[str, Sequence[str]]] = (
    ("UTC", ("2024-02-28",)),
    ("Europe/Berlin", ("2024-03-31", "2024-10-27")),
    ("America/Sao_Paulo", ("2018-11-04", "2018-02-18")),
    ("Asia/Kolkata", ("2024-01-01",)),
    ("Australia/Lord_Howe", ("2024-04-07", "2024-10-06")),
    ("Pacific/Apia", ("2011-12-30",)),
)
"""And days there on which something happens to the clock or the calendar."""

NAMES = ("$pageview", "buy", "$autocapture")
TEXTS: Sequence[Any] = (
    None, "", "a", "b", "é", "A", "a/", "/", "?", "z" * 401, 1, 2.0, 2.5, "3", True, [1, "a"],
)  # fmt: skip
NUMBERS: Sequence[Any] = (None, 0, 1, 2, 2.5, -1.25, "4", "0.5", " 1", "x", True, 1024)
GROUPS = ("", "", "g1", "g2", "g3")
SESSIONS = ("", "", "s1", "s2", "s3")
STATIC_COHORT, DYNAMIC_COHORT, EMPTY_COHORT = 5, 6, 7
DELAYS = tuple(
    timedelta(hours=hours) + beside
    for hours in (0, 1, 2, 25, 26, 24 * 8, 24 * 31)
    for beside in (timedelta(), MICROSECOND, -MICROSECOND)
    if hours or beside == timedelta()
)
"""After which events arrive: for one at the edge of an hour or a day, at the edge of being late."""

LONGEST_LOOK_BACK = 35
"""Days before the range in which events still lie."""


class Place(msgspec.Struct, frozen=True):
    """Where and when a world is: days of the zone, first and last of what is asked about."""

    zone: str
    first: date
    last: date
    week_starts_monday: bool

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


def make_place(random: Random) -> Place:
    zone, days = random.choice(ZONES)
    day = date.fromisoformat(random.choice(days))
    length = random.choice((0, 1, 2, 5, 9, 20))
    first = day - timedelta(days=random.randint(0, length))
    return Place(zone, first, first + timedelta(days=length), random.random() < 0.5)


def make_world(random: Random, place: Place, *, events: int = 60) -> World:
    people = [UUID(int=random.getrandbits(128)) for _ in range(random.choice((1, 2, 5, 12)))]
    merged = _merges(random, people)
    ties = random.choice((0, 0.2, 0.6))
    happened: list[Event] = []
    for _ in range(random.randint(0, events)):
        again = happened and random.random() < ties
        at = random.choice(happened).at if again else _moment(random, place)
        happened.append(_event(random, at, random.choice(people)))
    random.shuffle(happened)
    return World(
        events=tuple(happened),
        persons=_persons(random, place, people, merged, happened),
        merged=merged,
        groups={
            (index, key): Record(created_at=_moment(random, place), properties=_properties(random))
            for index in (0, 1)
            for key in GROUPS
            if key and random.random() < 0.6
        },
        lists={
            STATIC_COHORT: frozenset(one for one in people if random.random() < 0.5),
            EMPTY_COHORT: frozenset(),
        },
    )


def _merges(random: Random, people: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Flat: a target is never itself merged."""
    if len(people) < 2 or random.random() < 0.5:
        return {}
    targets = people[: max(1, len(people) // 2)]
    return {one: random.choice(targets) for one in people[len(targets) :] if random.random() < 0.7}


def _moment(random: Random, place: Place) -> datetime:
    """Often the very edge of a day or an hour, or a microsecond before it."""
    before = random.choice((0, 0, 0, 0, 1, 7, LONGEST_LOOK_BACK))
    days = (place.last - place.first).days
    day = place.first + timedelta(days=random.randint(-before, days + 1))
    edge = place.midnight(day)
    if random.random() < 0.5:
        edge += timedelta(hours=random.randint(0, 25))
    beside = random.choice(
        (
            timedelta(),
            -MICROSECOND,
            MICROSECOND,
            timedelta(seconds=random.randint(0, 7200)),
            timedelta(seconds=random.randint(0, 86_400)),
        )
    )
    return edge + beside


def _event(random: Random, at: datetime, person: UUID) -> Event:
    uuid = UUID(int=random.getrandbits(128))
    return Event(
        uuid=uuid,
        stored=at + DELAYS[uuid.int % len(DELAYS)],
        event=random.choice(NAMES),
        at=at,
        person_id=person,
        distinct_id=f"d{person.int % 1000}",
        session_id=random.choice(SESSIONS),
        groups=(random.choice(GROUPS), random.choice(GROUPS), "", "", ""),
        properties=_properties(random),
    )


def _properties(random: Random) -> Mapping[str, Any]:
    made: dict[str, Any] = {}
    if random.random() < 0.8:
        made["x"] = random.choice(TEXTS)
    if random.random() < 0.7:
        made["n"] = random.choice(NUMBERS)
    if random.random() < 0.5:
        made["plan"] = random.choice(("free", "paid", ""))
    if random.random() < 0.1:
        made["$process_person_profile"] = random.random() < 0.3
    return made


def _persons(
    random: Random,
    place: Place,
    people: Sequence[UUID],
    merged: Mapping[UUID, UUID],
    happened: Sequence[Event],
) -> Mapping[UUID, Record]:
    """Most of them, first seen at one of their events or at any time."""
    found = {}
    for one in people:
        if one in merged or random.random() < 0.15:
            continue
        own = [
            event.at for event in happened if merged.get(event.person_id, event.person_id) == one
        ]
        first = min(own) if own and random.random() < 0.7 else _moment(random, place)
        found[one] = Record(created_at=first, properties=_properties(random))
    return found
