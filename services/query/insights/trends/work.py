"""Trends: planned and computed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw

from contracts.api.times import written
from contracts.api.trends import BoxRow, TrendRow
from contracts.queries.counted import PeriodRange
from contracts.queries.trends import TrendsQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.events.actors import AnyActor
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.insights import additions, late_changes
from services.query.insights.additions import INCOMPLETE, LATE
from services.query.insights.checks import Checks, GroupTypeCheck, of_series
from services.query.insights.computed import Tools
from services.query.insights.definition_changes import changes
from services.query.insights.late_changes import Before, Comparable
from services.query.insights.trends import inputs
from services.query.insights.trends.checks import NumberCheck
from services.query.insights.trends.compute import compute
from services.query.insights.trends.description import describe
from services.query.insights.trends.plan import OTHER, ByProperty, Points, TrendsPlan
from services.query.insights.trends.planning import plan_trends
from services.query.insights.trends.result import with_incomplete
from services.query.results.computation import Computation, PreparedComputation, Range
from services.query.results.dependencies import dependencies
from services.query.results.timings import Timings


async def prepare(
    tools: Tools, project: Project, computation: Computation[TrendsQuery]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    plan, facts = await planned(tools.lookups, project, computation.query)
    spans = [span for span in (plan.span, plan.previous) if span is not None]
    growing = [additions.growing(computation.include, span, plan.now) for span in spans]
    changed = await changes(tools.pool, project, computation.query, spans, computation.include)
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(plan, growing, changed),
        range=range_of(plan),
        inputs=inputs.of_trends(plan),
        work=TrendsWork(
            tools=tools,
            plan=plan,
            facts=facts,
            include=computation.include,
            dates=computation.query.dateRange,
            before=late_changes.before(tools.pool, project, computation),
            changes=changed,
        ),
        warnings=additions.unknown_actions(plan.unknown),
        check=Checks(
            (
                GroupTypeCheck(tools.pool, plan.team_id, of_series(_actors(plan))),
                NumberCheck(tools, plan, facts),
            )
        ),
    )


class TrendsWork(msgspec.Struct, frozen=True, kw_only=True):
    """include: of additions.OVER_PERIODS. dates: as they were asked for."""

    tools: Tools
    plan: TrendsPlan
    facts: PlanningFacts
    include: tuple[str, ...]
    dates: PeriodRange | None
    before: Before
    changes: Mapping[str, Raw]

    async def run(self, query_id: str) -> Result:
        timings, plan = Timings(), self.plan
        # Merges since the planning count.
        has_overrides = await self.tools.lookups.ready(self.facts)
        answer = await compute(
            await self.tools.shards.of(plan.team_id),
            plan,
            has_overrides=has_overrides,
            query_id=query_id,
            late=LATE in self.include,
        )
        rows = answer.results
        if INCOMPLETE in self.include and isinstance(plan.shape, Points):
            rows = with_incomplete(plan, (row for row in rows if isinstance(row, TrendRow)))
        changes = await self._late_changes(answer.results)
        encoded = await asyncio.to_thread(msgspec.json.encode, rows)
        timings.lap("compute")
        span = plan.span
        return Result(
            results=Raw(encoded),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(span.date_from), "date_to": written(span.date_to)}
                )
            ),
            timings=timings.shown,
            has_more=answer.has_more,
            extra={**additions.zone_of(self.dates), **self.changes, **changes},
            warnings=_cut(plan) if answer.has_more else (),
        )

    async def _late_changes(self, rows: Sequence[TrendRow | BoxRow]) -> Mapping[str, Raw]:
        """Of points alone, and where each is a number of its own period; Other and bins are what
        the whole range makes them.
        """
        shape, breakdown = self.plan.shape, self.plan.breakdown
        if LATE not in self.include or not isinstance(shape, Points):
            return {}
        has_bins = isinstance(breakdown, ByProperty) and any(key.bins for key in breakdown.keys)
        current, previous = self.plan.span, self.plan.previous
        comparable = Comparable(
            spans={"current": current, "previous": previous or current},
            is_fixed=shape.cumulative or shape.smoothing > 1 or has_bins,
            unlike=OTHER,
        )
        of_points = [row for row in rows if isinstance(row, TrendRow)]
        return await late_changes.late_changes(self.before, of_points, comparable)


async def planned(
    lookups: Lookups, project: Project, query: TrendsQuery
) -> tuple[TrendsPlan, PlanningFacts]:
    """Raises InvalidQuery."""
    facts = await lookups.facts(project, query, query.dateRange)
    # Patterns may take long to compile, and there may be ten thousand periods.
    return await asyncio.to_thread(plan_trends, query, facts), facts


def _actors(plan: TrendsPlan) -> Iterator[tuple[int, AnyActor]]:
    for series in plan.series:
        yield series.place, inputs.actor_of(series)


def _cut(plan: TrendsPlan) -> tuple[str, ...]:
    """The warning of values without a row of their own."""
    if not isinstance(plan.breakdown, ByProperty):
        return ()
    kept = plan.breakdown.limit
    return (f"breakdownFilter: the first {kept} values have rows, and the rest is in Other.",)


def range_of(plan: TrendsPlan) -> Range:
    return Range(plan.span.interval, plan.span.date_from, plan.span.date_to)
