"""The first values of a breakdown by rank, where there are too many to read them all.

A row keeps its own value if it is among the first `limit` of the order that rows are shown in
(trends.md section 8); the others are Other. Of a property with a million values the engine gives
the first few thousand, and Other is counted over its events.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.trends.plan import ActiveActors, ByProperty, Points
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.windowed import days_of, is_windowed

MOST_VALUES = 10_000
MOST_SMOOTHED = 10_000
"""Smoothing rounds, which the engine's order knows nothing of: so far below, no row comes first."""
_SLACK = 5
"""Sums of fractions depend on their order in the last digit, and so may the order of two values."""


def most_values(asked: Asked) -> int | None:
    """How many values the engine gives at most; None where all of them are few."""
    breakdown, shape = asked.plan.breakdown, asked.plan.shape
    if not isinstance(breakdown, ByProperty) or not asked.keys:
        return None
    smoothed = isinstance(shape, Points) and shape.smoothing > 1
    return max(MOST_SMOOTHED if smoothed else MOST_VALUES, breakdown.limit + _SLACK)


def first(asked: Asked, numbers: Relation) -> Relation:
    """numbers: `k0` …, `i`, `number`. The same, of the first values alone."""
    most = most_values(asked)
    if most is None:
        return numbers
    has_null = " OR ".join(f"{key} = ''" for key in asked.keys)
    direction = "ASC" if (asked.series.multiplier or 1) < 0 else "DESC"
    by = (has_null, f"{_shown_sum(asked)} {direction}", *asked.keys)
    values = numbers.named("numbers").group(*asked.keys, points="groupArray((i, number))")
    kept = values.order(*by, limit=f"{most:d}").named("kept")
    return kept.each(point="points").only(*asked.keys, i="point.1", number="point.2")


def _shown_sum(asked: Asked) -> str:
    """What rows are ordered by: the sum of the data that they show."""
    math, shape, span = asked.series.math, asked.plan.shape, asked.span
    if isinstance(math, ActiveActors) and is_windowed(asked):
        # A change of the number of actors counts in every window that ends on its day or later.
        ends = list(days_of(span, math.days).ends)
        return f"sum(number * arrayCount(end -> end >= i, {ends}))"
    if isinstance(shape, Points) and shape.cumulative:
        return f"sum(number * ({len(span.periods):d} - i))"
    return "sum(number)"
