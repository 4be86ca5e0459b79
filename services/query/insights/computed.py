"""The protocol of a computed kind of insight, for the table of kinds."""

from collections.abc import Awaitable, Callable
from typing import Generic

import msgspec
from msgspec import Raw

from contracts.api.actors_options import ActorsOptions
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from services.common.accounts.accounts import Project
from services.common.clickhouse import Shards
from services.common.insights.results.kept import Result
from services.common.postgres.database import Pool
from services.query.events.lookups import Lookups
from services.query.insights.charts import Chart
from services.query.insights.explained import PreparedExplanation
from services.query.people.page import ActorList
from services.query.results.computation import (
    Computation,
    Inputs,
    PreparedComputation,
    Query,
    Range,
)


class Tools(msgspec.Struct, frozen=True):
    """The tools that kinds prepare and compute with."""

    shards: Shards
    pool: Pool
    lookups: Lookups


class PreparedPeople(msgspec.Struct, frozen=True, kw_only=True):
    """The people behind a number, and what a page of them depends on (see PreparedComputation).

    description: of the number, as `hogql` shows it. counted: whether each is shown with its number
    of events, and the actor with most of them comes first.
    """

    people: ActorList
    description: str
    dependencies: bytes
    clock: bytes
    range: Range
    inputs: Inputs
    counted: bool = False


def options_result(found: ActorsOptions) -> Result:
    """As clients of PostHog read them: members of the answer."""
    encoded = msgspec.json.encode(found)
    return Result(results=Raw(encoded), extra=msgspec.json.decode(encoded, type=dict[str, Raw]))


class OptionsWork(msgspec.Struct, frozen=True):
    """The choices of the insight's numbers, where the plan knows all of them."""

    options: ActorsOptions

    async def run(self, _: str) -> Result:
        return options_result(self.options)


def no_chart(_: Raw) -> Chart | None:
    return None


Explain = Callable[
    [Tools, Project, InsightActorsQuery | StickinessActorsQuery], Awaitable[PreparedExplanation]
]


class ComputedKind(msgspec.Struct, Generic[Query], frozen=True, kw_only=True):
    """One kind of query that is computed.

    node: the query it computes.
    prepare: plans a computation; what can't be computed is refused (InvalidQuery) before it runs.
        None: a kind of people, who are listed by an ActorsQuery.
    people: finds the people that the query points at; None: it points at nobody.
    pointed_at: finds the people that an InsightActorsQuery over the query points at.
    options: plans what such a query can name. Both None: there is nobody behind its numbers.
    include: the additions that it knows.
    chart: what a page draws of its result; None where there is nothing to draw.
    explain: plans the explanation of a number that such a query points at; None: of none.
    """

    node: type[Query]
    prepare: (
        Callable[[Tools, Project, Computation[Query]], Awaitable[PreparedComputation]] | None
    ) = None
    people: Callable[[Tools, Project, Query], Awaitable[PreparedPeople]] | None = None
    pointed_at: Callable[[Tools, Project, InsightActorsQuery], Awaitable[PreparedPeople]] | None = (
        None
    )
    options: Callable[[Tools, Project, Query], Awaitable[PreparedComputation]] | None = None
    include: frozenset[str] = frozenset()
    chart: Callable[[Raw], Chart | None] = no_chart
    explain: Explain | None = None
