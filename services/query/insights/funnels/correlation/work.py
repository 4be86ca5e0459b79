"""Correlation: what goes along with converting, and what with dropping out."""

from typing import assert_never

import msgspec
from msgspec import Raw

from contracts.api.correlation import CorrelationResults
from contracts.api.times import written
from contracts.queries.legacy_actors import check_correlation
from contracts.queries.nodes import FunnelCorrelationQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.insights.computed import Tools
from services.query.insights.funnels import inputs
from services.query.insights.funnels.correlation.question import (
    OfEventProperties,
    OfEvents,
    OfRecords,
    Question,
    render,
)
from services.query.insights.funnels.correlation.statement import compile_correlation, plain
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.planner import Draft, draft, prepared, ready
from services.query.insights.funnels.quick import quick_first
from services.query.results.computation import NOTHING, Computation, PreparedComputation, Range
from services.query.results.timings import Timings

INCLUDED = frozenset({"p_value"})
EVERY_NAME = "$all"


async def prepare(
    tools: Tools, project: Project, computation: Computation[FunnelCorrelationQuery]
) -> PreparedComputation:
    """Raises InvalidQuery."""
    query = computation.query
    check_correlation(query)
    funnel = query.source.source
    if not funnel.series:
        return PreparedComputation(
            settings=project.settings,
            dependencies=b"",
            clock=b"",
            range=Range(None, None, None),
            inputs=NOTHING,
            work=NothingToCorrelate(),
        )
    drafted = await draft(tools.lookups, project, funnel, legacy=computation.legacy)
    question = question_of(query)
    return prepared(
        project,
        drafted,
        CorrelationWork(tools, question, drafted, "p_value" in computation.include),
        inputs.of_correlation(drafted.plan, question),
        inputs.clock(drafted.plan),
    )


class CorrelationWork(msgspec.Struct, frozen=True):
    tools: Tools
    question: Question
    drafted: Draft
    p_values: bool

    async def run(self, query_id: str) -> Result:
        timings = Timings()
        planned = await ready(self.tools.lookups, self.drafted)
        plan = planned.plan
        rows = await quick_first(
            await self.tools.shards.of(plan.team_id),
            plain(plan),
            lambda forms: compile_correlation(
                plan, self.question, has_overrides=planned.has_overrides, forms=forms
            ),
            has_overrides=planned.has_overrides,
            query_id=query_id,
        )
        timings.lap("clickhouse")
        answer = render(plan, rows, p_values=self.p_values)
        timings.lap("render")
        return Result(
            results=Raw(msgspec.json.encode(answer)),
            hogql=f"CORRELATE {_named(self.question)} WITH CONVERSION OF\n{describe(plain(plan))}",
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(plan.date_from), "date_to": written(plan.date_to)}
                )
            ),
            timings=timings.shown,
        )


class NothingToCorrelate(msgspec.Struct, frozen=True):
    """A query without series, which no plan can be made of."""

    async def run(self, query_id: str) -> Result:
        empty = CorrelationResults(events=[], skewed=False)
        return Result(results=Raw(msgspec.json.encode(empty)))


def question_of(query: FunnelCorrelationQuery) -> Question:
    """Of a query that `check_correlation` let pass."""
    match query.funnelCorrelationType:
        case "events":
            return OfEvents(query.funnelCorrelationExcludeEventNames or ())
        case "event_with_properties":
            return OfEventProperties(
                query.funnelCorrelationEventNames or (),
                query.funnelCorrelationEventExcludePropertyNames or (),
            )
        case "properties":
            names = query.funnelCorrelationNames or ()
            return OfRecords(
                None if EVERY_NAME in names else names, query.funnelCorrelationExcludeNames or ()
            )
        case _:
            assert_never(query.funnelCorrelationType)


def _named(question: Question) -> str:
    match question:
        case OfEvents(excluded=excluded):
            return f"events{_without(excluded)}"
        case OfEventProperties(events=events, excluded=excluded):
            return f"properties of {', '.join(events)}{_without(excluded)}"
        case OfRecords(names=names, excluded=excluded):
            named = "all properties" if names is None else f"properties {', '.join(names)}"
            return f"{named}{_without(excluded)}"
        case _:
            assert_never(question)


def _without(excluded: tuple[str, ...]) -> str:
    return f" without {', '.join(excluded)}" if excluded else ""
