"""What the events that count come to: per row and period, by the series' mathematics.

A statement's rows are `k0` …, the index of a period, and the number there; or, of sliding windows,
a day (or hour …) and by how much the number of actors changes on it: see `windowed.py`.
"""

from typing import assert_never

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


def numbers(asked: Asked, bindings: Bindings) -> str:
    """`k0` …, `i`, `number`; of a box plot `i`, min to max as an array, mean.

    Of a breakdown by properties only the first values by rank, if there are many: see `ranking`.
    """
    return ranking.first(asked, _numbers(asked, bindings))


def _numbers(asked: Asked, bindings: Bindings) -> str:
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
            return _grouped(asked, events, "uniqExact(session)")
        case OfProperty(statistic=which, number=number):
            events = _with_numbers(asked, number, bindings)
            return _grouped(asked, events, _or_zero(statistic(which, "n")))
        case Spread(number=number):
            return _grouped(asked, _with_numbers(asked, number, bindings), *_SPREAD)
        case OfCounts(statistic=which):
            return _of_counts(asked, which, bindings)
        case Aggregation():
            return _aggregation(asked, math, bindings)
        case _:
            assert_never(math)


def point(asked: Asked, source: Source) -> str:
    """The index of the event's period; of one value there is one alone."""
    return "0" if isinstance(asked.plan.shape, OneValue) else period_index(source, asked.span)


def _counted(asked: Asked, bindings: Bindings, **columns: str) -> str:
    """columns: beside `i`."""
    return counted(asked, bindings, lambda source: {"i": point(asked, source), **columns})


def _grouped(asked: Asked, events: str, *values: str) -> str:
    by = ", ".join((*asked.keys, "i"))
    first, *others = values
    numbers = ", ".join([f"{first} AS number", *others])
    return f"SELECT {by}, {numbers} FROM ({events}) GROUP BY {by}"


def _or_zero(number: str) -> str:
    return f"ifNull(ifNotFinite({number}, 0), 0)"


def _total(asked: Asked, bindings: Bindings) -> str:
    """Values are told when events are counted already: there are fewer of them."""
    if not asked.keys:
        return _grouped(asked, _counted(asked, bindings), "count()")
    events = read(asked, bindings, lambda source: {"i": point(asked, source)})
    by_value = _grouped(asked, events, "count()")
    told = keys.told(asked.plan.breakdown, by_value, asked.rows, bindings)
    return _grouped(asked, told, "sum(number)")


# Distinct actors


def _distinct(asked: Asked, bindings: Bindings) -> str:
    events = counted(
        asked,
        bindings,
        lambda source: {"i": point(asked, source), "actor": source.actor(asked.actor)},
    )
    shape = asked.plan.shape
    if isinstance(shape, Points) and shape.cumulative and isinstance(asked.series.math, Actors):
        by = ", ".join((*asked.keys, "actor"))
        firsts = f"SELECT {by}, min(i) AS i FROM ({events}) GROUP BY {by}"
        return _grouped(asked, firsts, "count()")
    if asked.keys or isinstance(shape, OneValue):
        return _grouped(asked, events, "uniqExact(actor)")
    by_mask = len(asked.span.periods) <= folds.BITS
    active = f"bitPositionsToArray({folds.MASK})" if by_mask else "groupUniqArray(i)"
    each = f"SELECT arrayJoin(a) AS i FROM (SELECT {active} AS a FROM ({events}) GROUP BY actor)"
    return f"SELECT i, count() AS number FROM ({each}) GROUP BY i"


# Numbers of events, sessions and actors


def _with_numbers(asked: Asked, number: AnyNumber, bindings: Bindings) -> str:
    """`k0` …, `i`, `n`; of sessions once for each that occurs there."""
    events = counted(
        asked,
        bindings,
        lambda source: {
            "i": point(asked, source),
            "n": _number(number, source).number,
            **({"session": "e.session_id"} if isinstance(number, SessionNumber) else {}),
        },
    )
    if not isinstance(number, SessionNumber):
        return events
    by = ", ".join((*asked.keys, "i", "session"))
    return f"SELECT {by}, any(n) AS n FROM ({events}) GROUP BY {by}"


def _number(number: AnyNumber, source: Source) -> Operand:
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


def _of_counts(asked: Asked, which: Statistic, bindings: Bindings) -> str:
    events = counted(
        asked,
        bindings,
        lambda source: {"i": point(asked, source), "actor": source.actor(asked.actor)},
    )
    by = ", ".join((*asked.keys, "i"))
    of_actors = f"SELECT {by}, count() AS c FROM ({events}) GROUP BY {by}, actor"
    return _grouped(asked, of_actors, _or_zero(statistic(which, "toNullable(toFloat64(c))")))


def _aggregation(asked: Asked, math: Aggregation, bindings: Bindings) -> str:
    value = ""

    def columns(source: Source) -> dict[str, str]:
        nonlocal value
        made = aggregated(math.expression, source.expressions, bindings)
        value = made.value
        return {"i": point(asked, source), **made.columns}

    events = counted(asked, bindings, columns)
    return _grouped(asked, events, _or_zero(value))


# Bounds of bins


def bounds_of_bins(asked: Asked, places: list[int], bindings: Bindings) -> str:
    """The lowest and the highest number of each of these keys; null of none."""
    events = read(asked, bindings, lambda source: {"i": point(asked, source)})
    ends = [f"min(k{place}), max(k{place})" for place in places]
    return f"SELECT {', '.join(ends)} FROM ({events})"
