"""The semantics of stickiness in plain Python: the SQL must give the same answers.

For tests and for arguments. Written from trends.md section 12, in its words; it shares nothing with
the SQL but the plan. A share of the actors (sampling) is what the caller leaves in the world; here
numbers are scaled.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from services.query.events.oracle.points import in_range
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.insights.stickiness.plan import Criteria, Intervals, Series, StickinessPlan
from services.query.insights.stickiness.pointing import Pointed

Row = dict[str, Any]
People = list[tuple[str, int]]
"""(actor, events in its intervals), by events descending, then actor."""


def answer(plan: StickinessPlan, reading: Reading) -> list[Row]:
    """ "Several series: one row each, in order"; all of the current side, then the previous."""
    return [
        _row(plan, series, side, intervals, reading)
        for side, intervals in (("current", plan.current), ("previous", plan.previous))
        if intervals is not None
        for series in plan.series
    ]


def _row(
    plan: StickinessPlan, series: Series, side: str, intervals: Intervals, reading: Reading
) -> Row:
    numbers = {
        actor: len(active)
        for actor, active in active_intervals(plan, series, intervals, reading).items()
    }
    n = len(intervals.intervals)
    unit = intervals.span.interval
    exactly = Counter(numbers.values())
    data = [_scaled(plan, exactly[k]) for k in range(1, n + 1)]
    count = sum(data)
    if plan.cumulative:
        data = [
            _scaled(plan, sum(number >= k for number in numbers.values())) for k in range(1, n + 1)
        ]
    row: Row = {
        "action": {
            "id": series.entity.action_id or series.entity.id,
            "type": "events" if series.entity.action_id is None else "actions",
            "order": series.place,
            "name": series.entity.name,
            "custom_name": series.entity.custom_name,
            "math": series.math,
            "math_hogql": series.math_hogql,
            "math_group_type_index": series.math_group_type_index,
        },
        "label": series.entity.name,
        "order": series.place,
        "count": count,
        "data": data,
        "days": list(range(1, n + 1)),
        "labels": [_label(k, unit, cumulative=plan.cumulative) for k in range(1, n + 1)],
    }
    return row | ({"compare": True, "compare_label": side} if plan.previous is not None else {})


def _label(k: int, unit: str, *, cumulative: bool) -> str:
    """`1 day`, `2 days` …; "cumulative "1 day or more" "."""
    return f"{k} {unit}{'' if k == 1 else 's'}{' or more' if cumulative else ''}"


def _scaled(plan: StickinessPlan, actors: int) -> int:
    return actors if plan.sample is None else round(actors / plan.sample)


def active_intervals(
    plan: StickinessPlan, series: Series, intervals: Intervals, reading: Reading
) -> Mapping[str, dict[int, list[Event]]]:
    """Per actor the "intervals in which it has enough events", with these. "Actors with 0 are
    nowhere."
    """
    found: dict[str, dict[int, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in reading.world.events:
        if not in_range(intervals.span, event) or not reading.passes(plan.filters, event):
            continue
        actor = reading.actor(series.actor, event)
        if actor is None or not reading.passes(series.entity.matches, event):
            continue
        for index, interval in enumerate(intervals.intervals):
            if interval.start <= event.at < interval.end:
                found[actor][index].append(event)
    kept = {
        actor: {index: events for index, events in of.items() if _enough(plan.criteria, events)}
        for actor, of in found.items()
    }
    return {actor: of for actor, of in kept.items() if of}


def _enough(criteria: Criteria, events: list[Event]) -> bool:
    """At least one, and by the criteria: "lte never counts intervals without events"."""
    count = len(events)
    match criteria.operator:
        case "gte":
            return count >= max(criteria.value, 1)
        case "lte":
            return 1 <= count <= criteria.value
        case "exact":
            return 1 <= count == criteria.value


def people(plan: StickinessPlan, pointed: Pointed, reading: Reading) -> People:
    """Who has exactly (at least, at most) so many intervals. Actors with none are nowhere."""
    intervals = plan.current if pointed.side == "current" else plan.previous
    if pointed.series is None or intervals is None:
        return []
    found = active_intervals(plan, pointed.series, intervals, reading)
    counts = [
        (actor, sum(len(events) for events in of.values()))
        for actor, of in found.items()
        if _is_meant(pointed, len(of))
    ]
    return sorted(counts, key=lambda one: (-one[1], one[0]))


def _is_meant(pointed: Pointed, number: int) -> bool:
    if pointed.intervals is None:
        return True
    match pointed.operator:
        case "exact":
            return number == pointed.intervals
        case "gte":
            return number >= pointed.intervals
        case "lte":
            return number <= pointed.intervals
