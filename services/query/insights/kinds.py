"""The kinds of query that are computed, a row each."""

from functools import partial
from typing import Any

from contracts.queries.actors import ActorsQuery
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.insight_actors import (
    InsightActorsQuery,
    InsightActorsQueryOptions,
    StickinessActorsQuery,
)
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import (
    FunnelCorrelationActorsQuery,
    FunnelCorrelationQuery,
    FunnelsActorsQuery,
    FunnelsQuery,
    Node,
)
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.common.accounts.accounts import Project
from services.query.insights import actors
from services.query.insights.additions import OVER_PERIODS
from services.query.insights.computed import ComputedKind, PreparedPeople, Tools
from services.query.insights.explained import PreparedExplanation
from services.query.insights.funnels import chart as funnel_chart
from services.query.insights.funnels import work as funnel
from services.query.insights.funnels.correlation import chart as correlation_chart
from services.query.insights.funnels.correlation import people as correlation_people
from services.query.insights.funnels.correlation import work as correlation
from services.query.insights.funnels.people import prepare as funnel_people
from services.query.insights.lifecycle import chart as lifecycle_chart
from services.query.insights.lifecycle import explain as lifecycle_explain
from services.query.insights.lifecycle import work as lifecycle
from services.query.insights.stickiness import chart as stickiness_chart
from services.query.insights.stickiness import explain as stickiness_explain
from services.query.insights.stickiness import work as stickiness
from services.query.insights.trends import chart as trends_chart
from services.query.insights.trends import explain as trends_explain
from services.query.insights.trends import people as trends_people
from services.query.insights.trends import work as trends
from services.query.results.computation import Computation, PreparedComputation


async def _people(tools: Tools, project: Project, source: Node | None) -> PreparedPeople:
    """The people that an ActorsQuery's source points at. Raises InvalidQuery."""
    if source is None:
        raise InvalidQuery("query__source", "required", "This field is required.")
    people = kind_of(source).people
    if people is None:
        raise _nobody(source)
    return await people(tools, project, source)


async def people_behind(
    tools: Tools, project: Project, query: InsightActorsQuery
) -> PreparedPeople:
    """Raises InvalidQuery for a number that the source's answer does not have."""
    people = kind_of(query.source).pointed_at
    if people is None:
        raise _nobody(query.source)
    return await people(tools, project, query)


async def explanation_of(
    tools: Tools, project: Project, query: InsightActorsQuery | StickinessActorsQuery
) -> PreparedExplanation:
    """Of the number that the query points at. Raises InvalidQuery for one that does not exist."""
    explain = kind_of(query.source).explain
    if explain is None:
        raise _nobody(query.source)
    return await explain(tools, project, query)


async def _options(
    tools: Tools, project: Project, computation: Computation[InsightActorsQueryOptions]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    source = computation.query.source
    if isinstance(source, InsightActorsQuery | StickinessActorsQuery):
        source = source.source
    options = kind_of(source).options
    if options is None:
        raise _nobody(source)
    return await options(tools, project, source)


def _nobody(source: Node) -> InvalidQuery:
    return invalid_input("query__source", f"There are no people behind a {_name(source)}.")


_ROWS: tuple[ComputedKind[Any], ...] = (
    ComputedKind(
        node=FunnelsQuery,
        prepare=funnel.prepare,
        include=funnel.INCLUDED,
        chart=funnel_chart.chart,
    ),
    ComputedKind(
        node=FunnelCorrelationQuery,
        prepare=correlation.prepare,
        include=correlation.INCLUDED,
        chart=correlation_chart.chart,
    ),
    ComputedKind(node=FunnelsActorsQuery, people=funnel_people.people),
    ComputedKind(node=FunnelCorrelationActorsQuery, people=correlation_people.people),
    ComputedKind(
        node=TrendsQuery,
        prepare=trends.prepare,
        pointed_at=trends_people.people,
        options=trends_people.prepare_options,
        include=OVER_PERIODS,
        chart=trends_chart.chart,
        explain=trends_explain.explain,
    ),
    ComputedKind(
        node=StickinessQuery,
        prepare=stickiness.prepare,
        pointed_at=stickiness.people,
        options=stickiness.prepare_options,
        include=OVER_PERIODS,
        chart=stickiness_chart.chart,
        explain=stickiness_explain.explain,
    ),
    ComputedKind(
        node=LifecycleQuery,
        prepare=lifecycle.prepare,
        pointed_at=lifecycle.people,
        options=lifecycle.prepare_options,
        include=OVER_PERIODS,
        chart=lifecycle_chart.chart,
        explain=lifecycle_explain.explain,
    ),
    ComputedKind(node=InsightActorsQuery, people=people_behind),
    ComputedKind(node=InsightActorsQueryOptions, prepare=_options),
    ComputedKind(node=StickinessActorsQuery, people=stickiness.people),
    ComputedKind(node=ActorsQuery, prepare=partial(actors.prepare, _people)),
)

KINDS: dict[type[Node], ComputedKind[Any]] = {kind.node: kind for kind in _ROWS}
"""By the node that each computes. Always asked and never copied: what is added counts."""


def kind_of(query: Node) -> ComputedKind[Any]:
    """Raises InvalidQuery for a query that is not computed."""
    kind = KINDS.get(type(query))
    if kind is None:
        raise invalid_input("query", f"A {_name(query)} cannot be computed here.")
    return kind


def computation_of(
    query: Node, *, legacy: bool = False, include: tuple[str, ...] = ()
) -> Computation[Any]:
    """The computation that a query asks for; of bare people, a page of them.

    Raises InvalidQuery for a query that is not computed.
    """
    if kind_of(query).prepare is None:
        return Computation(query=ActorsQuery(source=query))  # type: ignore[arg-type]  # decoded: of its kinds
    return Computation(query=query, legacy=legacy, include=include)


class KindsComputer:
    """The one Computer: the query's kind prepares it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def prepare(self, project: Project, computation: Computation[Any]) -> PreparedComputation:
        """Raises InvalidQuery."""
        prepare = kind_of(computation.query).prepare
        if prepare is None:
            raise invalid_input("query", f"A {_name(computation.query)} cannot be computed here.")
        return await prepare(self._tools, project, computation)


def _name(query: Node) -> str:
    return type(query).__name__
