"""Says for each kind of computation what there is to do on the engine."""

from typing import assert_never

from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy_actors import check_correlation
from contracts.queries.nodes import (
    ActorsQuery,
    FunnelCorrelationActorsQuery,
    FunnelsActorsQuery,
)
from services.common.accounts.accounts import Project
from services.common.clickhouse import ClickHouse
from services.query.events.lookups import Lookups
from services.query.insights.actors import ActorsWork, bounds, sorting
from services.query.insights.funnels import inputs
from services.query.insights.funnels.correlation.pointing import correlating
from services.query.insights.funnels.correlation.work import (
    CorrelationWork,
    NothingToCorrelate,
    question_of,
)
from services.query.insights.funnels.people.page import Actors, Pointed
from services.query.insights.funnels.people.pointing import selection
from services.query.insights.funnels.planner import Planned, plan_query
from services.query.insights.funnels.planning import plan_previous
from services.query.insights.funnels.work import FunnelWork
from services.query.people.table import columns
from services.query.results.computation import (
    NOTHING,
    ActorsComputation,
    Computation,
    CorrelationComputation,
    FunnelComputation,
    Inputs,
    Prepared,
    Range,
    Work,
)
from services.query.results.dependencies import dependencies


class ClickHouseComputer:
    """The one Computer."""

    def __init__(self, clickhouse: ClickHouse, lookups: Lookups, actors: Actors) -> None:
        self._clickhouse = clickhouse
        self._lookups = lookups
        self._actors = actors

    async def prepare(self, project: Project, computation: Computation) -> Prepared:
        """Raises InvalidQuery."""
        match computation:
            case FunnelComputation(query=query, legacy=legacy):
                planned = await plan_query(self._lookups, project, query, legacy=legacy)
                plan = planned.plan
                previous = plan_previous(plan, query, planned.facts)
                return _prepared(
                    project,
                    planned,
                    FunnelWork(self._clickhouse, computation, planned, previous),
                    inputs.of_funnel(plan, previous),
                    inputs.clock(plan, previous, pending="pending" in computation.include),
                )
            case ActorsComputation(query=query):
                return await self._prepare_actors(project, query)
            case CorrelationComputation(query=query):
                return await self._prepare_correlation(project, computation)
            case _:
                assert_never(computation)

    async def _prepare_correlation(
        self, project: Project, computation: CorrelationComputation
    ) -> Prepared:
        query = computation.query
        check_correlation(query)
        funnel = query.source.source
        if not funnel.series:
            return Prepared(
                settings=project.settings,
                dependencies=b"",
                clock=b"",
                range=Range(None, None, None),
                inputs=NOTHING,
                work=NothingToCorrelate(),
            )
        planned = await plan_query(self._lookups, project, funnel, legacy=computation.legacy)
        question = question_of(query)
        return _prepared(
            project,
            planned,
            CorrelationWork(self._clickhouse, question, planned, "p_value" in computation.include),
            inputs.of_correlation(planned.plan, question),
            inputs.clock(planned.plan),
        )

    async def _prepare_actors(self, project: Project, query: ActorsQuery) -> Prepared:
        limit, offset = bounds(query)
        planned, pointed = await self._pointed(project, query.source)
        work = ActorsWork(
            actors=self._actors,
            planned=planned,
            pointed=pointed,
            columns=columns(query.select),
            sorting=sorting(query),
            limit=limit,
            offset=offset,
        )
        plan = planned.plan
        return _prepared(
            project,
            planned,
            work,
            inputs.of_actors(plan, pointed),
            inputs.clock(plan, None, pointed),
        )

    async def _pointed(
        self, project: Project, source: FunnelsActorsQuery | FunnelCorrelationActorsQuery | None
    ) -> tuple[Planned, Pointed]:
        match source:
            case FunnelsActorsQuery():
                planned = await plan_query(self._lookups, project, source.source)
                return planned, selection(planned.plan, source)
            case FunnelCorrelationActorsQuery():
                planned = await plan_query(self._lookups, project, source.source.source.source)
                return planned, correlating(source, planned.facts)
            case None:
                raise InvalidQuery("query__source", "required", "This field is required.")
            case _:
                assert_never(source)


def _prepared(
    project: Project, planned: Planned, work: Work, reads: Inputs, clock: bytes
) -> Prepared:
    plan = planned.plan
    return Prepared(
        settings=project.settings,
        dependencies=dependencies(planned.facts),
        clock=clock,
        range=Range(planned.interval, plan.date_from, plan.date_to),
        inputs=reads,
        work=work,
    )
