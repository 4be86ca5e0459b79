"""The people behind a funnel's numbers, ready to be listed."""

import msgspec

from contracts.queries.nodes import FunnelsActorsQuery
from services.common.accounts.accounts import Project
from services.query.insights.computed import PreparedPeople, Tools
from services.query.insights.funnels import inputs
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.people.page import ActorPages, Pointed
from services.query.insights.funnels.people.pointing import selection
from services.query.insights.funnels.planner import Draft, draft, ready
from services.query.people.page import ActorPage
from services.query.people.records import RecordOrder
from services.query.results.computation import Range
from services.query.results.dependencies import dependencies


class FunnelActorList(msgspec.Struct, frozen=True):
    """The actors behind one number of a planned funnel."""

    tools: Tools
    drafted: Draft
    pointed: Pointed

    async def page(
        self, *, by: RecordOrder | None, limit: int, offset: int, query_id: str | None
    ) -> ActorPage:
        """by: None for the order by id."""
        actors = ActorPages(self.tools.shards, self.tools.pool)
        planned = await ready(self.tools.lookups, self.drafted)
        if by is None:
            return await actors.page(
                planned, self.pointed, limit=limit, offset=offset, query_id=query_id
            )
        return await actors.sorted_page(
            planned, self.pointed, by, limit=limit, offset=offset, query_id=query_id
        )


async def people(tools: Tools, project: Project, query: FunnelsActorsQuery) -> PreparedPeople:
    """Raises InvalidQuery for a number that the funnel's answer does not have."""
    drafted = await draft(tools.lookups, project, query.source)
    return prepared_people(tools, drafted, selection(drafted.plan, query))


def prepared_people(tools: Tools, drafted: Draft, pointed: Pointed) -> PreparedPeople:
    """The people behind a number: a page of them depends on all that the number does, and on their
    records.
    """
    plan = drafted.plan
    return PreparedPeople(
        people=FunnelActorList(tools, drafted, pointed),
        description=describe(plan),
        dependencies=dependencies(drafted.facts),
        clock=inputs.clock(plan, None, pointed),
        range=Range(drafted.interval, plan.date_from, plan.date_to),
        inputs=inputs.of_actors(plan, pointed),
    )
