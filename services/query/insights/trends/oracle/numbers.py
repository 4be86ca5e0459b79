"""What the events behind a point come to: trends.md section 4. "No rows: 0 in every math." """

import math
from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from services.query.events.oracle.expressions import aggregate, evaluate, number, quantile
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.series import Statistic
from services.query.insights.trends.oracle.counted import distinct
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    Aggregation,
    AnyNumber,
    EventNumber,
    FirstTime,
    OfCounts,
    OfProperty,
    PersonNumber,
    Series,
    SessionNumber,
    Sessions,
    Spread,
    TimeNumber,
    Total,
    TrendsPlan,
)

QUANTILES = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def value(plan: TrendsPlan, series: Series, events: Sequence[Event], reading: Reading) -> float:
    """A number of a row before it is cumulated and smoothed."""
    if not events:
        return 0
    found = _scaled(plan, series, _value(series, events, reading))
    return found if series.multiplier is None else found * series.multiplier


def _value(series: Series, events: Sequence[Event], reading: Reading) -> float:
    match series.math:
        case Total() | FirstTime():
            return len(events)
        case Actors(actor) | ActiveActors(actor):
            return distinct(reading, actor, events)
        case Sessions():
            # "all events without one are together one session (oddity)"
            return len({event.session_id for event in events})
        case OfProperty(statistic, source):
            return _statistic(statistic, numbers(source, events, reading))
        case OfCounts(statistic, actor):
            counts = Counter(reading.actor(actor, event) for event in events)
            return _statistic(statistic, sorted(counts.values()))
        case Aggregation(expression):
            reads = [lambda field, event=event: reading.field(field, event) for event in events]
            found = number(evaluate(expression, reads[0], lambda one: aggregate(one, reads)))
            return found or 0
        case Spread():
            raise ValueError("a box has six numbers")
        case _:
            assert_never(series.math)


def numbers(source: AnyNumber, events: Sequence[Event], reading: Reading) -> list[float]:
    """Sorted. "JSON numbers and texts that read as finite numbers; the rest … is left out"."""
    if isinstance(source, SessionNumber):
        # "counted **once per session** in each period and breakdown value"
        sessions = {event.session_id: event for event in events if event.session_id}
        texts = [reading.text("session", source.key, event) for event in sessions.values()]
        return sorted(found for text in texts if (found := number(text)) is not None)
    return sorted(
        found for event in events if (found := _number(source, event, reading)) is not None
    )


def _number(
    source: EventNumber | PersonNumber | TimeNumber, event: Event, reading: Reading
) -> float | None:
    match source:
        case TimeNumber():
            return event.at.timestamp()
        case EventNumber(key):
            return number(reading.text("event", key, event))
        case PersonNumber(key):
            return number(reading.text("person", key, event))


def _statistic(statistic: Statistic, ordered: Sequence[float]) -> float:
    if not ordered:
        return 0
    match statistic:
        case "sum":
            return math.fsum(ordered)
        case "avg":
            return math.fsum(ordered) / len(ordered)
        case "min":
            return ordered[0]
        case "max":
            return ordered[-1]
        case _:
            return quantile(ordered, QUANTILES[statistic])


def _scaled(plan: TrendsPlan, series: Series, found: float) -> float:
    """Of a sample "total, sums and actor counts divided by x; avg, min, max, quantiles, per-actor
    numbers not".
    """
    if plan.sample is None:
        return found
    match series.math:
        case Total() | FirstTime() | Actors() | ActiveActors() | Sessions():
            return round(found / plan.sample)
        case OfProperty("sum"):
            return found / plan.sample
        case _:
            return found


def box(series: Series, events: Sequence[Event], reading: Reading) -> dict[str, float]:
    """A box plot's six numbers; "periods without numbers: zeros (oddity)"."""
    assert isinstance(series.math, Spread)
    found = numbers(series.math.number, events, reading) or [0]
    times = 1 if series.multiplier is None else series.multiplier
    return {
        "min": found[0] * times,
        "p25": quantile(found, 0.25) * times,
        "median": quantile(found, 0.5) * times,
        "p75": quantile(found, 0.75) * times,
        "max": found[-1] * times,
        "mean": math.fsum(found) / len(found) * times,
    }
