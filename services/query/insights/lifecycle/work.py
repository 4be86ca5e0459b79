"""Lifecycles: planned, computed, and the people behind their numbers."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Raw

from contracts.api.times import written
from contracts.api.trends import LifecycleRow
from contracts.queries.counted import PeriodRange
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.lifecycle import LifecycleQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.insights import additions, late_changes
from services.query.insights.additions import INCOMPLETE, LATE
from services.query.insights.checks import GroupTypeCheck
from services.query.insights.computed import OptionsWork, PreparedPeople, Tools
from services.query.insights.definition_changes import changes
from services.query.insights.late_changes import Before, Comparable
from services.query.insights.lifecycle import inputs
from services.query.insights.lifecycle.compute import compute
from services.query.insights.lifecycle.description import describe
from services.query.insights.lifecycle.options import options
from services.query.insights.lifecycle.plan import LifecyclePlan
from services.query.insights.lifecycle.planning import plan_lifecycle
from services.query.insights.lifecycle.pointing import pointed
from services.query.insights.lifecycle.result import with_incomplete
from services.query.insights.lifecycle.statement import compile_people
from services.query.people.counted import CountedPeople, ListedAtOnce
from services.query.results.computation import NOTHING, Computation, PreparedComputation, Range
from services.query.results.dependencies import dependencies
from services.query.results.timings import Timings


async def prepare(
    tools: Tools, project: Project, computation: Computation[LifecycleQuery]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    plan, facts = await planned(tools.lookups, project, computation.query)
    changed = await changes(
        tools.pool, project, computation.query, [plan.span], computation.include
    )
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(
            plan,
            additions.growing(computation.include, plan.span, plan.now),
            changed,
        ),
        range=_range(plan),
        inputs=inputs.of_lifecycle(plan),
        work=LifecycleWork(
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
            tools.pool, plan.team_id, (("aggregation_group_type_index", plan.actor),)
        ),
    )


async def people(tools: Tools, project: Project, query: InsightActorsQuery) -> PreparedPeople:
    """Raises InvalidQuery for a number that the answer does not have."""
    assert isinstance(query.source, LifecycleQuery)
    plan, facts = await planned(tools.lookups, project, query.source)
    number = pointed(plan, query)
    return PreparedPeople(
        people=CountedPeople(
            clickhouse=await tools.shards.of(project.id),
            pool=tools.pool,
            lookups=tools.lookups,
            facts=facts,
            actor=plan.actor,
            listing=ListedAtOnce(partial(compile_people, plan, number)),
        ),
        description=describe(plan),
        dependencies=dependencies(facts),
        clock=inputs.clock(plan, number),
        range=_range(plan),
        inputs=inputs.of_people(plan),
        counted=True,
    )


async def prepare_options(
    tools: Tools, project: Project, query: LifecycleQuery
) -> PreparedComputation:
    """What an InsightActorsQuery over it can name. Raises InvalidQuery."""
    plan, facts = await planned(tools.lookups, project, query)
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(plan),
        range=_range(plan),
        inputs=NOTHING,
        work=OptionsWork(options(plan)),
    )


class LifecycleWork(msgspec.Struct, frozen=True, kw_only=True):
    """include: of additions.OVER_PERIODS. dates: as they were asked for."""

    tools: Tools
    plan: LifecyclePlan
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
            late=LATE in self.include,
        )
        if INCOMPLETE in self.include:
            rows = with_incomplete(plan, rows)
        timings.lap("compute")
        return Result(
            results=Raw(msgspec.json.encode(rows)),
            hogql=describe(plan),
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {
                        "date_from": written(plan.span.date_from),
                        "date_to": written(plan.span.date_to),
                    }
                )
            ),
            timings=timings.shown,
            extra={
                **additions.zone_of(self.dates),
                **self.changes,
                **await self._late_changes(rows),
            },
        )

    async def _late_changes(self, rows: Sequence[LifecycleRow]) -> Mapping[str, Raw]:
        """Of a lifecycle that is compared with nothing."""
        if LATE not in self.include:
            return {}
        comparable = Comparable({"current": self.plan.span})
        return await late_changes.late_changes(self.before, rows, comparable)


async def planned(
    lookups: Lookups, project: Project, query: LifecycleQuery
) -> tuple[LifecyclePlan, PlanningFacts]:
    facts = await lookups.facts(project, query, query.dateRange)
    # Patterns may take long to compile.
    return await asyncio.to_thread(plan_lifecycle, query, facts), facts


def _range(plan: LifecyclePlan) -> Range:
    return Range(plan.span.interval, plan.span.date_from, plan.span.date_to)
