"""Weekly and monthly active actors: how many were active within the windows that end on each day.

An actor is in all windows that end on a day of an event or on one of the days after it, as long as
a window is. So of each actor the days suffice on which that begins and on which it is over; what is
told is by how much the number of actors changes on each day, and `of_windows` adds it up.

Where periods are hours, minutes or seconds, so are these days.
"""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events import folds
from services.query.events.period_index import days_since, steps_since
from services.query.events.periods import Span
from services.query.events.source import Source
from services.query.insights.trends.plan import ActiveActors, OneValue
from services.query.insights.trends.statement.counted import Asked, counted

_NEVER = 2**40
_MICROSECOND = timedelta(microseconds=1)
_STEPS = {
    "second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1),
}  # fmt: skip


class Days(msgspec.Struct, frozen=True):
    """Days from the first one of the first window. ends: on which each period's window ends, the
    last one last. length: of a window.
    """

    ends: tuple[int, ...]
    length: int


def days_of(span: Span, days: int) -> Days:
    """days: of a window."""
    step = _STEPS.get(span.interval)
    if step is not None:
        length = timedelta(days=days) // step
        return Days(tuple(range(length - 1, length - 1 + len(span.periods))), length)
    zone = ZoneInfo(span.timezone)
    last = [(period.end - _MICROSECOND).astimezone(zone).date() for period in span.periods]
    return Days(tuple((day - last[0]).days + days - 1 for day in last), days)


def _day(source: Source, span: Span, days: int) -> str:
    """Of the event."""
    window = timedelta(days=days)
    if span.interval in ("second", "minute", "hour"):
        return steps_since(source, span.periods[0].end - window, span.interval)
    last = (span.periods[0].end - _MICROSECOND).astimezone(ZoneInfo(span.timezone)).date()
    return days_since(source, last - window + timedelta(days=1))


def is_windowed(asked: Asked) -> bool:
    """Whether its rows are changes, instead of numbers."""
    one_value = isinstance(asked.plan.shape, OneValue)
    return isinstance(asked.series.math, ActiveActors) and not one_value


def windowed(asked: Asked, math: ActiveActors, bindings: Bindings) -> Relation:
    """`k0` …, `i`: a day; `number`: by how much the number of actors changes on it."""
    days = days_of(asked.span, math.days)
    events = counted(
        asked,
        bindings,
        lambda source: {
            "i": _day(source, asked.span, math.days),
            "actor": source.actor(asked.actor),
        },
    )
    if not asked.keys and days.ends[-1] < folds.BITS:
        return _by_masks(events, days)
    return _by_days(events, asked.keys, days.length)


def _by_masks(events: Relation, days: Days) -> Relation:
    """A bit per day: smeared over the days after it, by doubling."""
    masks = events.group("actor", m=folds.mask(days.ends[-1] + 1)).named("masks")
    reached = 1
    while reached < days.length:
        by = min(reached, days.length - reached)
        masks = masks.only(m=f"bitOr(m, bitShiftLeft(m, {by:d}))").named("smeared")
        reached += by
    before = "bitShiftLeft(m, 1)"
    edges = f"[(bitAnd(m, bitNot({before})), 1), (bitAnd({before}, bitNot(m)), -1)]"
    edge = masks.only(edge=f"arrayJoin({edges})").named("edges")
    changes = edge.only(i="arrayJoin(bitPositionsToArray(edge.1))", change="edge.2")
    return changes.named("changes").group("i", number="sum(change)")


def _by_days(events: Relation, keys: tuple[str, ...], length: int) -> Relation:
    """The same of any number of days."""
    days = events.group(*keys, "actor", a="arraySort(groupUniqArray(toInt64(i)))").named("days")
    following = f"arrayPushBack(arrayPopFront(a), {_NEVER:d})"
    edges = (
        "arrayConcat(arrayMap(d -> (d, 1), a), arrayMap((d, following) -> "
        f"(least(d + {length:d}, following), -1), a, {following}))"
    )
    edge = days.only(*keys, edge=f"arrayJoin({edges})").named("edges")
    changes = edge.only(*keys, i="edge.1", change="edge.2").named("changes")
    return changes.group(*keys, "i", number="sum(change)")


def of_windows(days: Days, changes: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """The numbers of the periods. changes: (day, by how much), in any order."""
    waiting = sorted(changes, reverse=True)
    found, active = [], 0
    for end in days.ends:
        while waiting and waiting[-1][0] <= end:
            active += waiting.pop()[1]
        found.append(active)
    return tuple(found)
