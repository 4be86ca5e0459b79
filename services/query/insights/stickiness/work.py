"""Stickiness: planned, computed, and the people behind its numbers."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Raw

from contracts.api.times import written
from contracts.api.trends import SideLabel, StickinessRow
from contracts.queries.counted import PeriodRange
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.stickiness import StickinessQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.events.actors import PersonActor
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.events.periods import Span
from services.query.insights import additions, late_changes
from services.query.insights.additions import INCOMPLETE, LATE
from services.query.insights.checks import GroupTypeCheck, of_series
from services.query.insights.computed import OptionsWork, PreparedPeople, Tools
from services.query.insights.definition_changes import changes
from services.query.insights.late_changes import Before, Comparable
from services.query.insights.stickiness import inputs
from services.query.insights.stickiness.compute import compute
from services.query.insights.stickiness.description import describe
from services.query.insights.stickiness.options import options
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.stickiness.pointing import pointed
from services.query.insights.stickiness.result import with_incomplete
from services.query.insights.stickiness.statement import compile_people
from services.query.people.counted import CountedPeople, ListedAtOnce
from services.query.results.computation import NOTHING, Computation, PreparedComputation, Range
from services.query.results.dependencies import dependencies
from services.query.results.timings import Timings


async def prepare(
    tools: Tools, project: Project, computation: Computation[StickinessQuery]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    plan, facts = await planned(tools.lookups, project, computation.query)
    changed = await changes(
        tools.pool,
        project,
        computation.query,
        [of.span for of in (plan.current, plan.previous) if of is not None],
        computation.include,
    )
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(
            plan,
            additions.growing(computation.include, plan.current.span, plan.now),
            changed,
        ),
        range=_range(plan),
        inputs=inputs.of_stickiness(plan),
        work=StickinessWork(
            tools=tools,
            plan=plan,
            facts=facts,
            include=computation.include,
            dates=computation.query.dateRange,
            before=late_changes.before(tools.pool, project, computation),
            changes=changed,
        ),
        warnings=additions.unknown_actions(plan.unknown),
        check=GroupTypeCheck(
            tools.pool, plan.team_id, of_series((one.place, one.actor) for one in plan.series)
        ),
    )


async def people(
    tools: Tools, project: Project, query: InsightActorsQuery | StickinessActorsQuery
) -> PreparedPeople:
    """Raises InvalidQuery for a number that the answer does not have."""
    assert isinstance(query.source, StickinessQuery)
    plan, facts = await planned(tools.lookups, project, query.source)
    number = pointed(plan, query)
    series = number.series
    return PreparedPeople(
        people=CountedPeople(
            clickhouse=await tools.shards.of(project.id),
            pool=tools.pool,
            lookups=tools.lookups,
            facts=facts,
            actor=PersonActor() if series is None else series.actor,
            listing=ListedAtOnce(partial(compile_people, plan, number)),
        ),
        description=describe(plan),
        dependencies=dependencies(facts),
        clock=inputs.clock(plan, number),
        range=_range(plan),
        inputs=inputs.of_people(plan, series),
        counted=True,
    )


async def prepare_options(
    tools: Tools, project: Project, query: StickinessQuery
) -> PreparedComputation:
    """What an actors query over it can name. Raises InvalidQuery."""
    plan, facts = await planned(tools.lookups, project, query)
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(plan),
        range=_range(plan),
        inputs=NOTHING,
        work=OptionsWork(options(plan)),
    )


class StickinessWork(msgspec.Struct, frozen=True, kw_only=True):
    """include: of additions.OVER_PERIODS. dates: as they were asked for."""

    tools: Tools
    plan: StickinessPlan
    facts: PlanningFacts
    include: tuple[str, ...]
    dates: PeriodRange | None
    before: Before
    changes: Mapping[str, Raw]

    async def run(self, query_id: str) -> Result:
        timings, plan = Timings(), self.plan
        # Merges since the planning count.
        has_overrides = await self.tools.lookups.ready(self.facts)
        rows = await compute(
            await self.tools.shards.of(plan.team_id),
            plan,
            has_overrides=has_overrides,
            query_id=query_id,
        )
        if INCOMPLETE in self.include:
            rows = with_incomplete(plan, rows)
        timings.lap("compute")
        span = plan.current.span
        return Result(
            results=Raw(msgspec.json.encode(rows)),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(span.date_from), "date_to": written(span.date_to)}
                )
            ),
            timings=timings.shown,
            extra={
                **additions.zone_of(self.dates),
                **self.changes,
                **await self._late_changes(rows),
            },
        )

    async def _late_changes(self, rows: Sequence[StickinessRow]) -> Mapping[str, Raw]:
        """Every number hangs on the whole range."""
        if LATE not in self.include:
            return {}
        current, previous = self.plan.current, self.plan.previous or self.plan.current
        spans: Mapping[SideLabel, Span] = {"current": current.span, "previous": previous.span}
        comparable = Comparable(spans, is_fixed=True)
        return await late_changes.late_changes(self.before, rows, comparable)


async def planned(
    lookups: Lookups, project: Project, query: StickinessQuery
) -> tuple[StickinessPlan, PlanningFacts]:
    facts = await lookups.facts(project, query, query.dateRange)
    # Patterns may take long to compile.
    return await asyncio.to_thread(plan_stickiness, query, facts), facts


def _range(plan: StickinessPlan) -> Range:
    span = plan.current.span
    return Range(span.interval, span.date_from, span.date_to)
