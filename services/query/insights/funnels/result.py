"""Rows of a funnel's statement into the answer that clients expect (funnels.md section 7)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar, assert_never

import msgspec
from msgspec import UNSET

from contracts.api.funnels import (
    BreakdownValue,
    FunnelAnswer,
    FunnelStep,
    FunnelTrend,
    Steps,
    TimeToConvert,
)
from services.query.insights.funnels.people.selection import OTHER
from services.query.insights.funnels.periods import FunnelPeriod, periods, shown
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
)
from services.query.insights.funnels.statement.totals import WHOLE
from services.query.insights.funnels.statement.trends import period_key

Rows = Sequence[Sequence[object]]
_Row = TypeVar("_Row", bound=msgspec.Struct)


class StepTotals(msgspec.Struct, frozen=True, array_like=True):
    """A row of totals.py. Times in seconds; open: attempts that are at this step and may still go
    on.
    """

    step: int
    count: int
    average: float | None
    median: float | None
    open: int


class ValueTotals(msgspec.Struct, frozen=True, array_like=True):
    """A row of totals.py with a breakdown; index: of the value among the rows, from 1."""

    value: str | list[str] | int
    other: bool
    index: int
    step: int
    count: int
    average: float | None
    median: float | None
    open: int

    def totals(self) -> StepTotals:
        return StepTotals(self.step, self.count, self.average, self.median, self.open)


class PeriodTotals(msgspec.Struct, frozen=True, array_like=True):
    """A row of trends.trend_totals: actors that entered in the period."""

    period: int
    entered: int
    converted: int
    open: int


class Bin(msgspec.Struct, frozen=True, array_like=True):
    """A row of time_to_convert.py. side: 0, and 1 for what is compared with."""

    side: int
    bin: int
    actors: int
    low: int
    width: int
    bins: int
    average: float
    median: float


NOBODY = StepTotals(0, 0, None, None, 0)


def render(
    plan: FunnelPlan,
    rows: Rows,
    *,
    pending: bool = False,
    made: Sequence[FunnelPeriod] | None = None,
) -> FunnelAnswer:
    """The answer to a plan from the rows of its statement.

    pending: with the actors whose windows had not ended. made: a trend's periods; None: they are
    made here.
    """
    match plan.view:
        case StepsView():
            return _steps(plan, rows, pending)
        case TrendView() as trend:
            axis = _axis(plan, trend, periods(plan, trend) if made is None else made)
            return FunnelAnswer(results=_trends(plan, axis, rows, pending))
        case TimesView():
            return FunnelAnswer(results=_histogram(plan, _read(rows, Bin), 0))
        case _:
            assert_never(plan.view)


# Steps


def _steps(plan: FunnelPlan, rows: Rows, pending: bool) -> FunnelAnswer:
    breakdown = plan.breakdown
    if breakdown is None:
        totals = {row.step: row for row in _read(rows, StepTotals)}
        whole = totals.get(WHOLE)
        return FunnelAnswer(
            results=_row_per_step(plan, totals, pending),
            total_median_conversion_time=whole.median if whole else None,
        )
    values = _read(rows, ValueTotals)
    groups = [
        _group(plan, breakdown, list(of_value), pending)
        for index, of_value in groupby(values, key=lambda row: row.index)
        if index
    ]
    # "Other" comes last in the rows, and among the others by its counts: last among equals.
    groups.sort(key=lambda group: [-row.count for row in reversed(group)])
    whole_median = next((row.median for row in values if row.step == WHOLE), None)
    return FunnelAnswer(results=groups, total_median_conversion_time=whole_median)


def _group(plan: FunnelPlan, breakdown: Breakdown, rows: list[ValueTotals], pending: bool) -> Steps:
    """The rows of one value."""
    shown, value = shown_value(breakdown, OTHER if rows[0].other else rows[0].value)
    return [
        msgspec.structs.replace(row, breakdown=shown, breakdown_value=value)
        for row in _row_per_step(plan, {row.step: row.totals() for row in rows}, pending)
    ]


def _row_per_step(plan: FunnelPlan, totals: Mapping[int, StepTotals], pending: bool) -> Steps:
    rows: Steps = []
    unordered = plan.order == "unordered"
    required = 0
    for k, step in enumerate(plan.steps, start=1):
        row = totals.get(k, NOBODY)
        waiting = sum(totals.get(j, NOBODY).open for j in range(required, k))
        rows.append(
            FunnelStep(
                # PostHog names what is counted in an unordered funnel, not an event.
                action_id=None if unordered else step.action_id,
                name=f"Completed {k} step{'s' if k > 1 else ''}" if unordered else step.name,
                custom_name=None if unordered else step.custom_name,
                order=k - 1,
                count=_scaled(plan, row.count),
                type=step.type,
                average_conversion_time=row.average,
                median_conversion_time=row.median,
                pending_count=_scaled(plan, waiting) if pending else UNSET,
            )
        )
        if not step.optional:
            required = k
    return rows


def shown_value(
    breakdown: Breakdown, value: str | list[str] | int
) -> tuple[BreakdownValue, BreakdownValue]:
    """(breakdown, breakdown_value) of a row, from a value of the statement."""
    match breakdown:
        case ByCohort():
            cohort = msgspec.convert(value, int)
            return breakdown.name(cohort), cohort
        case ByProperty(boxed=boxed):
            parts = _parts(value)
            shown: BreakdownValue = parts[0] if len(parts) == 1 and not boxed else parts
            return shown, shown
        case _:
            assert_never(breakdown)


def _parts(value: object) -> list[str]:
    """One text per key of the breakdown."""
    return [value] if isinstance(value, str) else msgspec.convert(value, list[str])


# Trends


class _TrendAxis(msgspec.Struct, frozen=True):
    """The periods that the answer shows; every line shares these lists. keys: see trends.py."""

    keys: list[int]
    days: list[str]
    labels: list[str]


def _axis(plan: FunnelPlan, trend: TrendView, made: Sequence[FunnelPeriod]) -> _TrendAxis:
    seen = [period for period in made if shown(plan, trend, period)]
    return _TrendAxis(
        [period_key(plan, period.start) for period in seen],
        [period.day for period in seen],
        [period.label for period in seen],
    )


def _trends(plan: FunnelPlan, axis: _TrendAxis, rows: Rows, pending: bool) -> list[FunnelTrend]:
    if plan.breakdown is None:
        return [_trend(plan, axis, _read(rows, PeriodTotals), pending)]
    return [
        msgspec.structs.replace(
            _trend(plan, axis, _read([row[1:] for row in of_value], PeriodTotals), pending),
            breakdown_value=_trend_value(plan.breakdown, value),
        )
        for value, of_value in groupby(rows, key=lambda row: row[0])
    ]


def _trend_value(breakdown: Breakdown, value: object) -> BreakdownValue:
    """An array, in either form of the request; a cohort's name."""
    match breakdown:
        case ByCohort():
            return breakdown.name(msgspec.convert(value, int))
        case ByProperty():
            return _parts(value)
        case _:
            assert_never(breakdown)


def _trend(
    plan: FunnelPlan, axis: _TrendAxis, totals: Iterable[PeriodTotals], pending: bool
) -> FunnelTrend:
    by_period = {row.period: row for row in totals}
    kept = [by_period.get(key) or PeriodTotals(key, 0, 0, 0) for key in axis.keys]
    return FunnelTrend(
        count=len(kept),
        data=[round(100 * row.converted / row.entered, 2) if row.entered else 0.0 for row in kept],
        days=axis.days,
        labels=axis.labels,
        pending=[_scaled(plan, row.open) for row in kept] if pending else UNSET,
    )


# Time to convert


def render_comparison(plan: FunnelPlan, rows: Rows) -> FunnelAnswer:
    """The answer from the rows of time_to_convert.py with two sides, which share their bins."""
    bins = _read(rows, Bin)
    return FunnelAnswer(
        results=[
            msgspec.structs.replace(_histogram(plan, bins, side), compare_label=label)
            for side, label in enumerate(("current", "previous"))
        ]
    )


def _histogram(plan: FunnelPlan, bins: Sequence[Bin], side: int) -> TimeToConvert:
    if not bins:
        return TimeToConvert(bins=[(0, 0), (60, 0)])
    first, own = bins[0], [row for row in bins if row.side == side]
    actors = {row.bin: row.actors for row in own}
    return TimeToConvert(
        bins=[
            (first.low + i * first.width, _scaled(plan, actors.get(i, 0)))
            for i in range(first.bins + 1)
        ],
        average_conversion_time=own[0].average if own else None,
        median_conversion_time=own[0].median if own else None,
    )


def _scaled(plan: FunnelPlan, count: int) -> int:
    """A count among the sampled actors, as one among all of them."""
    return count if plan.sample is None else round(count / plan.sample)


def _read(rows: Rows, type_: type[_Row]) -> list[_Row]:
    return [msgspec.convert(row, type_, strict=False) for row in rows]
