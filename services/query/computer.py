"""Says for each kind of computation what there is to do on the engine."""

from typing import assert_never

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.nodes import ActorsQuery, FunnelsActorsQuery
from services.common.accounts import Project
from services.common.clickhouse import ClickHouse
from services.query.computations.actors import ActorsWork, bounds, sorting
from services.query.computations.dependencies import dependencies
from services.query.computations.funnels import FunnelWork
from services.query.people.actors import Actors
from services.query.people.pointing import selection
from services.query.people.table import columns
from services.query.planner import Planned, Planner
from services.query.results.computation import (
    ActorsComputation,
    Computation,
    FunnelComputation,
    Prepared,
    Range,
    Work,
)


class ClickHouseComputer:
    """The one Computer."""

    def __init__(self, clickhouse: ClickHouse, planner: Planner, actors: Actors) -> None:
        self._clickhouse = clickhouse
        self._planner = planner
        self._actors = actors

    async def prepare(self, project: Project, computation: Computation) -> Prepared:
        """Raises InvalidQuery."""
        match computation:
            case FunnelComputation(query=query, legacy=legacy):
                planned = await self._planner.plan(project, query, legacy=legacy)
                return _prepared(planned, FunnelWork(self._clickhouse, computation, planned))
            case ActorsComputation(query=query):
                return await self._prepare_actors(project, query)
            case _:
                assert_never(computation)

    async def _prepare_actors(self, project: Project, query: ActorsQuery) -> Prepared:
        limit, offset = bounds(query)
        match query.source:
            case FunnelsActorsQuery() as source:
                planned = await self._planner.plan(project, source.source)
                work = ActorsWork(
                    actors=self._actors,
                    planned=planned,
                    selection=selection(planned.plan, source),
                    columns=columns(query.select),
                    sorting=sorting(query),
                    limit=limit,
                    offset=offset,
                )
                return _prepared(planned, work)
            case None:
                raise InvalidQuery("query__source", "required", "This field is required.")
            case other:
                raise invalid_input("query__source", f"{type(other).__name__} is not computed.")


def _prepared(planned: Planned, work: Work) -> Prepared:
    plan = planned.plan
    return Prepared(
        dependencies=dependencies(planned.facts),
        range=Range(plan.interval, plan.date_from, plan.date_to),
        work=work,
    )
