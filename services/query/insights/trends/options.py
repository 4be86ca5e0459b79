"""What an InsightActorsQuery over a trend can name (trends.md section 11)."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from contracts.api.actors_options import SIDES, ActorsOptions, Choice, KeyChoices
from contracts.api.trends import BreakdownValue, TrendRow
from services.query.events.periods import labels, moments
from services.query.insights.trends.plan import (
    NULL,
    OTHER,
    AnyBreakdown,
    ByCohort,
    ByProperty,
    Points,
    RowKey,
    TrendsPlan,
)
from services.query.insights.trends.pointing import ALL_BINS

_LABELS = {
    NULL: "None (i.e. no value)",
    OTHER: "Other (i.e. all remaining values)",
    ALL_BINS: "All values",
}
_LAST = (ALL_BINS, OTHER, NULL)
"""Values that stand for others, in this order after all bins."""


def options(plan: TrendsPlan, rows: Sequence[TrendRow]) -> ActorsOptions:
    """rows: of the answer, whose breakdown values there are."""
    points = isinstance(plan.shape, Points)
    values = [
        row.breakdown_value for row in rows if isinstance(row.breakdown_value, str | int | list)
    ]
    by_key = _by_key(plan.breakdown, values)
    listed = isinstance(plan.breakdown, ByProperty) and plan.breakdown.listed
    return ActorsOptions(
        day=_days(plan) if points else None,
        series=[Choice(series.entity.name, series.place) for series in plan.series],
        breakdown=by_key[0] if by_key and not listed else None,
        breakdowns=[KeyChoices(one) for one in by_key] if listed else None,
        compare=None if plan.previous is None else SIDES,
    )


def _days(plan: TrendsPlan) -> list[Choice]:
    named = zip(labels(plan.span), moments(plan.span), strict=True)
    return [Choice(label, start) for label, start in named]


def _by_key(breakdown: AnyBreakdown | None, values: Sequence[BreakdownValue]) -> list[list[Choice]]:
    match breakdown:
        case None:
            return []
        case ByCohort(cohorts=cohorts):
            names = {number or "all": name for number, name in cohorts}
            return [[Choice(names[one], one) for one in names if one in values]]
        case ByProperty(keys=keys):
            parts = [one if isinstance(one, list) else [str(one)] for one in values]
            return [_of_key(key, (one[at] for one in parts)) for at, key in enumerate(keys)]
        case _:
            assert_never(breakdown)


def _of_key(key: RowKey, texts: Iterable[str]) -> list[Choice]:
    """Each once, in the order of the rows; of bins those that stand for others at the end."""
    found = list(dict.fromkeys(texts))
    if key.bins is not None:
        found = [text for text in found if text not in _LAST] + [
            text for text in _LAST if text == ALL_BINS or text in found
        ]
    return [Choice(_LABELS.get(text, text), text) for text in found]
