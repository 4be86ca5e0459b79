"""Funnels: their steps, trends or times, and the additions to their answers."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend, Steps
from contracts.api.times import written
from contracts.queries.nodes import FunnelsQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.insights.computed import Tools
from services.query.insights.funnels import inputs
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.planner import Draft, RunnablePlan, draft, prepared, ready
from services.query.insights.funnels.planning import plan_previous
from services.query.results.computation import Computation, PreparedComputation
from services.query.results.timings import Timings

INCLUDED = frozenset({"pending", "baseline"})
BASELINE = "Baseline"


async def prepare(
    tools: Tools, project: Project, computation: Computation[FunnelsQuery]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    query = computation.query
    drafted = await draft(tools.lookups, project, query, legacy=computation.legacy)
    plan = drafted.plan
    previous = plan_previous(plan, query, drafted.facts)
    return prepared(
        project,
        drafted,
        FunnelWork(tools, computation.include, drafted, previous),
        inputs.of_funnel(plan, previous),
        inputs.clock(plan, previous, pending="pending" in computation.include),
    )


class FunnelWork(msgspec.Struct, frozen=True):
    """include: of INCLUDED. previous: the period to compare with."""

    tools: Tools
    include: tuple[str, ...]
    drafted: Draft
    previous: FunnelPlan | None

    async def run(self, query_id: str) -> Result:
        timings = Timings()
        planned = await ready(self.tools.lookups, self.drafted)
        plan = planned.plan
        answer = await self._answer(planned, self.previous, query_id)
        timings.lap("compute")
        results: Any = answer.results
        if self._has_baseline():
            everybody = msgspec.structs.replace(planned, plan=_whole(plan))
            whole = await self._answer(everybody, self.previous and _whole(self.previous), query_id)
            results = with_baseline(results, whole)
            timings.lap("baseline")
        return Result(
            results=Raw(msgspec.json.encode(results)),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(plan.date_from), "date_to": written(plan.date_to)}
                )
            ),
            timings=timings.shown,
            extra={
                "total_median_conversion_time": Raw(
                    msgspec.json.encode(answer.total_median_conversion_time)
                )
            },
        )

    async def _answer(
        self, planned: RunnablePlan, previous: FunnelPlan | None, query_id: str
    ) -> FunnelAnswer:
        return await compute(
            await self.tools.shards.of(planned.plan.team_id),
            planned.plan,
            has_overrides=planned.has_overrides,
            previous=previous,
            pending="pending" in self.include,
            query_id=query_id,
        )

    def _has_baseline(self) -> bool:
        """A funnel without rows of its own is its own baseline."""
        return "baseline" in self.include and self.drafted.plan.breakdown is not None


def _whole(plan: FunnelPlan) -> FunnelPlan:
    return msgspec.structs.replace(plan, breakdown=None)


def with_baseline(
    results: Sequence[FunnelTrend] | Sequence[Steps], whole: FunnelAnswer
) -> list[FunnelTrend | Steps]:
    """One more row, the last of a broken down answer (of each period): everybody, once each.

    whole: the answer without the breakdown.
    """
    rows: list[FunnelTrend | Steps] = []
    for baseline in _baselines(whole):
        label = _label(baseline)
        rows += [row for row in results if _label(row) == label] + [baseline]
    return rows


def _baselines(whole: FunnelAnswer) -> list[FunnelTrend | Steps]:
    """Of each period."""
    named = [BASELINE]
    found: dict[object, FunnelTrend | Steps] = {}
    for row in whole.results if isinstance(whole.results, list) else ():
        match row:
            case FunnelTrend():
                found[row.compare_label] = msgspec.structs.replace(row, breakdown_value=named)
            case FunnelStep():
                step = msgspec.structs.replace(row, breakdown=named, breakdown_value=named)
                steps = found.setdefault(row.compare_label, [])
                assert isinstance(steps, list)
                steps.append(step)
            case other:
                raise TypeError(f"no row of a whole funnel: {other!r}")
    return list(found.values())


def _label(row: FunnelTrend | Steps) -> object:
    return row[0].compare_label if isinstance(row, list) else row.compare_label
