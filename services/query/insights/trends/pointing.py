"""Which number of a trend an InsightActorsQuery points at (trends.md section 11)."""

import json
from typing import assert_never

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.insight_actors import BreakdownChoice, InsightActorsQuery, Side
from services.query.events.periods import Span
from services.query.events.points import point_of, series_place
from services.query.insights.trends.bins import bin_text
from services.query.insights.trends.plan import (
    NULL,
    OTHER,
    AnyBreakdown,
    ByCohort,
    ByProperty,
    OneValue,
    RowKey,
    Series,
    TrendsPlan,
)

ALL_BINS = '["",""]'


class OfValue(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """The row of these values, one text per key. Of a key with bins: `[a,b]`, NULL, or ALL_BINS."""

    parts: tuple[str, ...]


class OfOther(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """The row of all values that have no row of their own."""


class OfCohort(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """The row of one cohort; 0 is "all"."""

    cohort_id: int


AnyChoice = OfValue | OfOther | OfCohort


class Pointed(msgspec.Struct, frozen=True, kw_only=True):
    """One number of an answer, or the whole of a row.

    series: None when its action is unknown: nobody is behind it. point: index of a period of the
    side's span; None: the whole range. row: None without a breakdown, or for all of its rows.
    """

    series: Series | None
    side: Side
    point: int | None
    row: AnyChoice | None


def pointed(plan: TrendsPlan, query: InsightActorsQuery) -> Pointed:
    """Raises InvalidQuery for what is no number of the plan's answer."""
    place = series_place(query.series, plan.named_series)
    side: Side = query.compare or "current"
    return Pointed(
        series=next((one for one in plan.series if one.place == place), None),
        side=side,
        point=_point(plan, span_of_side(plan, side), query.day),
        row=_row(plan.breakdown, query.breakdown),
    )


def span_of_side(plan: TrendsPlan, side: Side) -> Span:
    """Raises InvalidQuery for the previous side of a query that compares with none."""
    if side == "current":
        return plan.span
    if plan.previous is None:
        raise invalid_input("compare", "The query is compared with no other range.")
    return plan.previous


def _point(plan: TrendsPlan, span: Span, day: str | int | None) -> int | None:
    if isinstance(plan.shape, OneValue):
        return None
    if day is None:
        # The whole of one point is that point: legacy requests name points by the range.
        return span.shown[0] if span.points == 1 else None
    return point_of(str(day), span, plan.span)


def _row(breakdown: AnyBreakdown | None, sent: BreakdownChoice | None) -> AnyChoice | None:
    if breakdown is None or sent is None:
        return None
    match breakdown:
        case ByCohort(cohorts=cohorts):
            return OfCohort(_cohort(cohorts, sent))
        case ByProperty(keys=keys):
            return _of_values(keys, sent)
        case _:
            assert_never(breakdown)


def _cohort(cohorts: tuple[tuple[int, str], ...], sent: BreakdownChoice) -> int:
    text = "0" if sent == "all" else str(sent)
    for number, _ in cohorts:
        if text == str(number):
            return number
    raise invalid_input("breakdown", f"The query has no cohort {str(sent)[:100]}.")


def _of_values(keys: tuple[RowKey, ...], sent: BreakdownChoice) -> AnyChoice:
    parts = sent if isinstance(sent, tuple) else (sent,)
    if len(keys) == 1 and keys[0].bins is not None and len(parts) == 2:
        # A bin as two bounds, `["", ""]` for all of them.
        parts = (_json(parts),)
    if len(parts) != len(keys):
        raise invalid_input("breakdown", f"The query has {len(keys)} breakdowns.")
    texts = tuple(_value(key, part) for key, part in zip(keys, parts, strict=True))
    return OfOther() if all(text == OTHER for text in texts) else OfValue(texts)


def _value(key: RowKey, sent: str | int | float) -> str:
    text = sent if isinstance(sent, str) else _json(sent)
    if key.bins is not None and text not in (NULL, OTHER):
        return _bin(text)
    return text


def _bin(text: str) -> str:
    """`[a,b]`, or ALL_BINS. Raises InvalidQuery for anything else."""
    try:
        bounds = json.loads(text)
    except ValueError:
        bounds = None
    match bounds:
        case ["", ""]:
            return ALL_BINS
        case [int() | float() as low, int() | float() as high]:
            return bin_text(float(low), float(high))
        case _:
            raise invalid_input("breakdown", f"'{text[:100]}' is no bin.")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
