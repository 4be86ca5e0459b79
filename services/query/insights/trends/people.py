"""The people behind a trend's numbers, and what can be named of them."""

import msgspec

from contracts.api.trends import TrendRow
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.trends import TrendsQuery
from services.common.accounts.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.insights.results.kept import Result
from services.query.events.actors import PersonActor
from services.query.events.facts import PlanningFacts
from services.query.insights.computed import PreparedPeople, Tools, options_result
from services.query.insights.trends import inputs
from services.query.insights.trends.compute import compute, row_of
from services.query.insights.trends.description import describe
from services.query.insights.trends.options import options
from services.query.insights.trends.plan import Boxes, TrendsPlan
from services.query.insights.trends.pointing import Pointed, pointed, span_of_side
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.people import compile_people, has_number
from services.query.insights.trends.work import planned, range_of
from services.query.people.counted import CountedPeople
from services.query.results.computation import PreparedComputation
from services.query.results.dependencies import dependencies


async def people(tools: Tools, project: Project, query: InsightActorsQuery) -> PreparedPeople:
    """Raises InvalidQuery for a number that the answer does not have."""
    assert isinstance(query.source, TrendsQuery)
    plan, facts = await planned(tools.lookups, project, query.source)
    number = pointed(plan, query)
    series = number.series
    clickhouse = await tools.shards.of(project.id)
    return PreparedPeople(
        people=CountedPeople(
            clickhouse=clickhouse,
            pool=tools.pool,
            lookups=tools.lookups,
            facts=facts,
            actor=PersonActor() if series is None else inputs.actor_of(series),
            listing=TrendListing(clickhouse, plan, number),
        ),
        description=describe(plan),
        dependencies=dependencies(facts),
        clock=inputs.clock(plan, number),
        range=range_of(plan),
        inputs=inputs.of_people(plan, series),
        counted=True,
    )


class TrendListing(msgspec.Struct, frozen=True):
    """Of one number. Bins and the rows beside Other are looked for first."""

    clickhouse: ClickHouse
    plan: TrendsPlan
    pointed: Pointed

    async def __call__(
        self, *, has_overrides: bool, limit: int, offset: int, query_id: str | None
    ) -> Statement | None:
        series, span = self.pointed.series, span_of_side(self.plan, self.pointed.side)
        if series is None or not has_number(span, self.pointed):
            return None
        asked = Asked(plan=self.plan, series=series, span=span, has_overrides=has_overrides)
        asked = await row_of(self.clickhouse, asked, self.pointed.row, query_id=query_id)
        return compile_people(asked, self.pointed, limit=limit, offset=offset)


async def prepare_options(
    tools: Tools, project: Project, query: TrendsQuery
) -> PreparedComputation:
    """What an InsightActorsQuery over it can name: values are those of its rows.

    Raises InvalidQuery.
    """
    plan, facts = await planned(tools.lookups, project, query)
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(facts),
        clock=inputs.clock(plan),
        range=range_of(plan),
        inputs=inputs.of_trends(plan),
        work=_OptionsWork(tools, plan, facts),
    )


class _OptionsWork(msgspec.Struct, frozen=True):
    tools: Tools
    plan: TrendsPlan
    facts: PlanningFacts

    async def run(self, query_id: str) -> Result:
        plan = self.plan
        if plan.breakdown is None or isinstance(plan.shape, Boxes):
            return options_result(options(plan, ()))
        # Formulas have rows of their own, which tell the same values.
        has_overrides = await self.tools.lookups.ready(self.facts)
        answer = await compute(
            await self.tools.shards.of(plan.team_id),
            plan,
            has_overrides=has_overrides,
            query_id=query_id,
        )
        rows = [row for row in answer.results if isinstance(row, TrendRow)]
        return options_result(options(plan, rows))
