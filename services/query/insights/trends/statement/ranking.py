"""The first values of a breakdown by rank, where there are too many to read them all.

A row keeps its own value if it is among the first `limit` of the order that rows are shown in
(trends.md section 8); the others are Other. Of a property with a million values the engine gives
the first few thousand, and Other is counted over its events.
"""

from services.query.insights.trends.plan import ActiveActors, ByProperty, OneValue, Points
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.windowed import days_of

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


def first(asked: Asked, numbers: str) -> str:
    """numbers: a SELECT of `k0` …, `i`, `number`. The same, of the first values alone."""
    most = most_values(asked)
    if most is None:
        return numbers
    keys = ", ".join(asked.keys)
    has_null = " OR ".join(f"{key} = ''" for key in asked.keys)
    direction = "ASC" if (asked.series.multiplier or 1) < 0 else "DESC"
    return (
        f"SELECT {keys}, point.1 AS i, point.2 AS number FROM ("
        f"SELECT {keys}, groupArray((i, number)) AS points FROM ({numbers}) GROUP BY {keys} "
        f"ORDER BY {has_null}, {_shown_sum(asked)} {direction}, {keys} LIMIT {most:d}"
        ") ARRAY JOIN points AS point"
    )


def _shown_sum(asked: Asked) -> str:
    """What rows are ordered by: the sum of the data that they show."""
    math, shape, span = asked.series.math, asked.plan.shape, asked.span
    if isinstance(math, ActiveActors) and not isinstance(shape, OneValue):
        # A change of the number of actors counts in every window that ends on its day or later.
        ends = list(days_of(span, math.days).ends)
        return f"sum(number * arrayCount(end -> end >= i, {ends}))"
    if isinstance(shape, Points) and shape.cumulative:
        return f"sum(number * ({len(span.periods):d} - i))"
    return "sum(number)"
