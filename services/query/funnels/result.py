"""Rows of a funnel's statement into the answer that clients expect (funnels.md section 7)."""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.api.funnels import FunnelAnswer, FunnelStep, Steps
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_totals import WHOLE


class StepTotals(msgspec.Struct, frozen=True):
    """A row of sql_totals. Times in seconds; open: attempts that stand here and may still go on."""

    step: int
    count: int
    average: float | None
    median: float | None
    open: int


NOBODY = StepTotals(0, 0, None, None, 0)


def render(
    plan: FunnelPlan, rows: Sequence[Sequence[object]], *, pending: bool = False
) -> FunnelAnswer:
    """The answer to a plan from the rows of its statement.

    pending: with the actors whose windows had not ended.
    """
    by_step = {row.step: row for row in msgspec.convert(rows, list[StepTotals], strict=False)}
    whole = by_step.get(WHOLE)
    return FunnelAnswer(
        results=_steps(plan, by_step, pending),
        total_median_conversion_time=whole.median if whole else None,
    )


def _steps(plan: FunnelPlan, totals: Mapping[int, StepTotals], pending: bool) -> Steps:
    rows: Steps = []
    unordered = plan.order == "unordered"
    required = 0
    for k, step in enumerate(plan.steps, start=1):
        row = totals.get(k, NOBODY)
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
                pending_count=_scaled(
                    plan, sum(totals.get(j, NOBODY).open for j in range(required, k))
                )
                if pending
                else msgspec.UNSET,
            )
        )
        if not step.optional:
            required = k
    return rows


def _scaled(plan: FunnelPlan, count: int) -> int:
    """A count among the sampled actors, as one among all of them."""
    return count if plan.sample is None else round(count / plan.sample)
