"""Random worlds: event names that match several things, and histories biased to what is hard.

Ties (up to 60 % of the events), events exactly one window apart or a microsecond beside it,
repeated and overlapping events, events at and outside the ends of the date range; some histories
walk through the kinds in order, so that long funnels are reached deeply.
"""

import string
from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from uuid import UUID

import msgspec

from services.query.insights.funnels.oracle import History, OracleEvent
from services.query.insights.funnels.oracle.seen import microseconds
from services.query.insights.funnels.plan import ByProperty, FunnelPlan
from tests.funnels.stories import START, Event, is_named, seen

UNRELATED = "~"
KINDS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+-"
VALUES = ("", "x", "y", "z", "é")
TIERS = ("", "1", "2")
UNITS_SECONDS = (1, 900, 3_600)

Happened = tuple[Event, ...]


class World(msgspec.Struct, frozen=True, kw_only=True):
    """kinds: one letter each. names: of events; a name is the letters of the kinds it is of.

    unit_seconds: events lie at whole units after START, or beside; units: the last of them.
    histories: actor id -> its events, in order of insertion.
    """

    kinds: str
    names: tuple[str, ...]
    unit_seconds: int
    units: int
    histories: Mapping[UUID, Happened]


class Taste(msgspec.Struct, frozen=True, kw_only=True):
    """ties, jitter, walking: probabilities. longest: events of a history."""

    ties: float
    jitter: float
    walking: float
    longest: int


def make_world(random: Random, actors: int) -> World:
    kinds = KINDS[: random.choice((2, 3, 4, 5, 8))]
    taste = Taste(
        ties=random.choice((0, 0.2, 0.6)),
        jitter=random.choice((0, 0.1)),
        walking=random.choice((0, 0.5, 1)),
        longest=random.choice((5, 8, 14)),
    )
    # Names of several kinds: in half of the worlds, so that the plain forms are met as well.
    overlapping = random.random() < 0.5
    return _world(
        random, actors, kinds, taste, units=random.choice((6, 12, 30)), several=overlapping
    )


def make_long_world(random: Random, actors: int, kinds: int) -> World:
    """For funnels of up to 64 steps: everybody walks, most get far."""
    taste = Taste(ties=random.choice((0, 0.3)), jitter=0, walking=1, longest=2 * kinds)
    several = random.random() < 0.5
    return _world(random, actors, KINDS[:kinds], taste, units=3 * kinds, several=several)


def _world(
    random: Random, actors: int, kinds: str, taste: Taste, *, units: int, several: bool
) -> World:
    names = [*kinds, UNRELATED]
    if several:
        sizes = [2, 2, random.choice((2, 3))]
        names += ["".join(sorted(random.sample(kinds, min(size, len(kinds))))) for size in sizes]
    names = sorted(set(names))
    unit = random.choice(UNITS_SECONDS)

    def history() -> Happened:
        walks = random.random() < taste.walking
        of_actor = (
            _walk(random, kinds, names, taste) if walks else _jump(random, names, taste, units)
        )
        return tuple(
            Event(
                name,
                at * unit * 1_000_000
                + (random.choice((-1, 1)) if random.random() < taste.jitter else 0),
                UUID(int=random.getrandbits(128)),
                (random.choice(VALUES), random.choice(TIERS)),
            )
            for name, at in of_actor
        )

    return World(
        kinds=kinds,
        names=tuple(names),
        unit_seconds=unit,
        units=units,
        histories={UUID(int=random.getrandbits(128)): history() for _ in range(actors)},
    )


def _jump(random: Random, names: list[str], taste: Taste, units: int) -> Iterator[tuple[str, int]]:
    """Any of a few names at any time."""
    favourites = random.sample(names, random.randint(1, min(len(names), 5)))
    at = random.randint(0, units)
    for _ in range(random.randint(0, taste.longest)):
        yield random.choice(favourites), at
        if random.random() >= taste.ties:
            at = random.randint(0, units)


def _walk(random: Random, kinds: str, names: list[str], taste: Taste) -> Iterator[tuple[str, int]]:
    """The kinds one after the other, with repetitions and by-ways."""
    at, place = 0, 0
    for _ in range(random.randint(1, taste.longest)):
        if random.random() < 0.75:
            yield kinds[place % len(kinds)], at
            place += 1
        else:
            yield random.choice(names), at
        if random.random() >= taste.ties:
            at += random.choice((1, 1, 1, 2, 5))


def entered(plan: FunnelPlan, events: Happened) -> History:
    """What the reference is given: events in the date range and inside the global filters, with
    the plan's breakdown value."""
    since, until = microseconds(plan.date_from), microseconds(plan.date_to)
    keys = len(plan.breakdown.keys) if isinstance(plan.breakdown, ByProperty) else 0
    return tuple(
        OracleEvent(event.at_us, event.uuid, event.steps, event.exclusions, event.value[:keys])
        for event in seen(plan, [e for e in events if is_named(plan.filters, e)])
        if since <= event.at_us <= until
    )


def happened_at(event: Event) -> int:
    """Microseconds since 1970."""
    return microseconds(START + timedelta(microseconds=event.at_us))
