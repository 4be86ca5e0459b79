"""Who is behind a number: trends.md section 11. "The people are the number" """

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from services.query.events.oracle.points import in_range
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.periods import Span
from services.query.insights.trends.oracle.counted import actor_of, behind_points, counting
from services.query.insights.trends.oracle.rows import lines
from services.query.insights.trends.oracle.values import by_value
from services.query.insights.trends.plan import NULL, OneValue, Series, TrendsPlan
from services.query.insights.trends.pointing import (
    ALL_BINS,
    OfCohort,
    OfOther,
    OfValue,
    Pointed,
)

People = list[tuple[str, int]]
"""(actor, event_count), by events descending, then actor."""


def people(plan: TrendsPlan, pointed: Pointed, reading: Reading) -> People:
    """ "how many events of the point are this actor's" """
    span = plan.span if pointed.side == "current" else plan.previous
    series = pointed.series
    if series is None or span is None:
        return []
    events = _of_row(plan, pointed, series, span, reading)
    if isinstance(plan.shape, OneValue):
        events = [event for point in behind_points(plan, series, span, events, reading)
                  for event in point]  # fmt: skip
    elif pointed.point is None:
        events = [event for event in events if in_range(span, event)]
    elif pointed.point not in span.shown:
        events = []
    else:
        at = span.shown.index(pointed.point)
        events = behind_points(plan, series, span, events, reading)[at]
    actor = actor_of(series)
    counts = Counter(reading.actor(actor, event) or "" for event in events)
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _of_row(
    plan: TrendsPlan, pointed: Pointed, series: Series, span: Span, reading: Reading
) -> list[Event]:
    events = counting(plan, series, span, reading)
    row, breakdown = pointed.row, plan.breakdown
    if row is None or breakdown is None:
        return events
    by = by_value(breakdown, events, reading)
    match row:
        case OfCohort(cohort_id):
            return by.get((str(cohort_id) if cohort_id else "all",), [])
        case OfOther():
            own = {line.value for line in lines(plan, series, span, reading) if not line.other}
            return _joined(events, [of for value, of in by.items() if value not in own])
        case OfValue(parts):
            asked = [
                of
                for value, of in by.items()
                if all(
                    (part == ALL_BINS and text != NULL) or text == part
                    for text, part in zip(value, parts, strict=True)
                )
            ]
            return _joined(events, asked)
        case _:
            assert_never(row)


def _joined(events: Sequence[Event], parts: Sequence[Sequence[Event]]) -> list[Event]:
    """In the order of `events`."""
    kept = {event.uuid for part in parts for event in part}
    return [event for event in events if event.uuid in kept]
