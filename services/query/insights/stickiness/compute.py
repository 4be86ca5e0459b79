"""The rows of stickiness, by one statement."""

from collections import Counter

from contracts.api.trends import StickinessRow
from services.common.clickhouse import ClickHouse
from services.query.insights.stickiness.plan import Intervals, StickinessPlan
from services.query.insights.stickiness.result import Side, render
from services.query.insights.stickiness.statement import compile_stickiness

Numbers = Counter[tuple[int, int, int]]
"""Actors by side (0: current), place of the series, and number of intervals."""


async def compute(
    clickhouse: ClickHouse,
    plan: StickinessPlan,
    *,
    has_overrides: bool,
    query_id: str | None = None,
) -> list[StickinessRow]:
    """Raises EngineError's kinds."""
    asked = compile_stickiness(plan, has_overrides=has_overrides)
    rows = [] if asked is None else await clickhouse.query(asked, query_id=query_id)
    numbers: Numbers = Counter()
    for number, side, place, actors in rows:
        numbers[side, place, number] = actors
    sides = [Side("current", plan.current, _series(plan, 0, plan.current, numbers))]
    if plan.previous is not None:
        before = _series(plan, 1, plan.previous, numbers)
        sides.append(Side("previous", plan.previous, before))
    return render(plan, sides)


def _series(
    plan: StickinessPlan, side: int, intervals: Intervals, numbers: Numbers
) -> dict[int, list[int]]:
    """Of each series, by place: actors of exactly one interval, two, and so on."""
    places = range(1, len(intervals.intervals) + 1)
    return {
        series.place: [numbers[side, series.place, number] for number in places]
        for series in plan.series
    }
