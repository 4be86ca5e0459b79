"""What the events that count come to: per row and period, by the series' mathematics.

A statement's rows are `k0` …, the index of a period, and the number there; or, of sliding windows,
a day (or hour …) and by how much the number of actors changes on it: see `windowed.py`.
"""

from typing import assert_never

from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events import folds
from services.query.events.expressions.aggregates_sql import aggregated
from services.query.events.operands import Operand
from services.query.events.period_index import period_index
from services.query.events.series import Statistic
from services.query.events.source import Source
from services.query.events.statistics_sql import statistic
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    Aggregation,
    AnyNumber,
    EventNumber,
    FirstTime,
    OfCounts,
    OfProperty,
    OneValue,
    PersonNumber,
    Points,
    SessionNumber,
    Sessions,
    Spread,
    TimeNumber,
    Total,
)
from services.query.insights.trends.statement import keys, ranking
from services.query.insights.trends.statement.counted import Asked, counted, read
from services.query.insights.trends.statement.windowed import windowed

_SPREAD = (
    "quantilesExactInclusive(0, 0.25, 0.5, 0.75, 1)(n)",
    statistic("avg", "n"),
)


def numbers(asked: Asked, bindings: Bindings) -> Relation:
    """`k0` …, `i`, `number`; of a box plot `i`, min to max as an array, mean.

    Of a breakdown by properties only the first values by rank, if there are many: see `ranking`.
    """
    return ranking.first(asked, _numbers(asked, bindings))


def _numbers(asked: Asked, bindings: Bindings) -> Relation:
    math = asked.series.math
    match math:
        case Total() | FirstTime():
            return _total(asked, bindings)
        case Actors():
            return _distinct(asked, bindings)
        case ActiveActors():
            if isinstance(asked.plan.shape, OneValue):
                return _distinct(asked, bindings)
            return windowed(asked, math, bindings)
        case Sessions():
            events = _counted(asked, bindings, session="e.session_id")
            return _distinct_of(asked, events, "session")
        case OfProperty(statistic=which, number=number):
            events = _with_numbers(asked, number, bindings)
            return _grouped(asked, events, or_zero(statistic(which, "n")))
        case Spread(number=number):
            spread, mean = _SPREAD
            return _grouped(asked, _with_numbers(asked, number, bindings), spread, mean=mean)
        case OfCounts(statistic=which):
            return _of_counts(asked, which, bindings)
        case Aggregation():
            return _aggregation(asked, math, bindings)
        case _:
            assert_never(math)


def point(asked: Asked, source: Source) -> str:
    """The index of the event's period, or range; of one value there is one alone."""
    if asked.since is not None:
        return f"toUInt8(e.timestamp >= {source.instant(asked.since)})"
    return "0" if isinstance(asked.plan.shape, OneValue) else period_index(source, asked.span)


def _counted(asked: Asked, bindings: Bindings, **columns: str) -> Relation:
    """columns: beside `i`."""
    return counted(asked, bindings, lambda source: {"i": point(asked, source), **columns})


def _grouped(asked: Asked, events: Relation, number: str, **more: str) -> Relation:
    return events.group(*asked.keys, "i", number=number, **more)


def or_zero(number: str) -> str:
    return f"ifNull(ifNotFinite({number}, 0), 0)"


def _total(asked: Asked, bindings: Bindings) -> Relation:
    """Values are told when events are counted already: there are fewer of them."""
    if not asked.keys:
        return _grouped(asked, _counted(asked, bindings), "count()")
    events = read(asked, bindings, lambda source: {"i": point(asked, source)})
    by_value = _grouped(asked, events, "count()").named("by_value")
    told = keys.told(asked.plan.breakdown, by_value, asked.rows, bindings)
    return _grouped(asked, told, "sum(number)")


# Distinct actors


def _distinct(asked: Asked, bindings: Bindings) -> Relation:
    events = counted(
        asked,
        bindings,
        lambda source: {"i": point(asked, source), "actor": source.actor(asked.actor)},
    )
    shape = asked.plan.shape
    if isinstance(shape, Points) and shape.cumulative and isinstance(asked.series.math, Actors):
        firsts = events.group(*asked.keys, "actor", i="min(i)").named("firsts")
        return _grouped(asked, firsts, "count()")
    return _distinct_of(asked, events, "actor")


def _distinct_of(asked: Asked, events: Relation, what: str) -> Relation:
    """Different values of a column.

    Measured: the periods of each folded take half as long as sets of the values of each period;
    where values of breakdowns are told apart too, these are quicker.
    """
    if asked.keys or isinstance(asked.plan.shape, OneValue):
        return _grouped(asked, events, f"uniqExact({what})")
    periods, active = len(asked.span.periods), "groupUniqArray(i)"
    if periods <= folds.BITS:
        active = f"bitPositionsToArray({folds.mask(periods)})"
    of_each = events.group(what, a=active).named("of_each")
    return of_each.only(i="arrayJoin(a)").named("active").group("i", number="count()")


# Numbers of events, sessions and actors


def _with_numbers(asked: Asked, number: AnyNumber, bindings: Bindings) -> Relation:
    """`k0` …, `i`, `n`; of sessions once for each that occurs there."""
    events = counted(
        asked,
        bindings,
        lambda source: {
            "i": point(asked, source),
            "n": number_of(number, source).number,
            **({"session": "e.session_id"} if isinstance(number, SessionNumber) else {}),
        },
    )
    if not isinstance(number, SessionNumber):
        return events
    return events.group(*asked.keys, "i", "session", n="any(n)").named("of_sessions")


def number_of(number: AnyNumber, source: Source) -> Operand:
    match number:
        case EventNumber(key=key):
            return source.operand("event", key)
        case PersonNumber(key=key):
            return source.operand("person", key)
        case SessionNumber(key=key):
            return source.operand("session", key)
        case TimeNumber():
            at = "toNullable(toUnixTimestamp64Micro(e.timestamp) / 1e6)"
            return Operand(text=f"toString({at})", number=at)
        case _:
            assert_never(number)


def _of_counts(asked: Asked, which: Statistic, bindings: Bindings) -> Relation:
    events = counted(
        asked,
        bindings,
        lambda source: {"i": point(asked, source), "actor": source.actor(asked.actor)},
    )
    of_actors = events.group(*asked.keys, "i", "actor", c="count()").named("of_actors")
    return _grouped(asked, of_actors, or_zero(statistic(which, "toNullable(toFloat64(c))")))


def _aggregation(asked: Asked, math: Aggregation, bindings: Bindings) -> Relation:
    value = ""

    def columns(source: Source) -> dict[str, str]:
        nonlocal value
        made = aggregated(math.expression, source.expressions, bindings)
        value = made.value
        return {"i": point(asked, source), **made.columns}

    events = counted(asked, bindings, columns)
    return _grouped(asked, events, or_zero(value))


# Bounds of bins


def bounds_of_bins(asked: Asked, places: list[int], bindings: Bindings) -> Relation:
    """The lowest and the highest number of each of these keys; null of none."""
    events = read(asked, bindings, lambda source: {"i": point(asked, source)})
    return events.group(
        **{f"{end}{place}": f"{end}(k{place})" for place in places for end in ("min", "max")}
    )
