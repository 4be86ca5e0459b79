"""Correlation: what goes along with converting, and what with dropping out."""

from typing import assert_never

import msgspec
from msgspec import Raw

from contracts.api.correlation import CorrelationResults
from contracts.api.times import written
from contracts.queries.nodes import FunnelCorrelationQuery
from services.common.clickhouse import ClickHouse
from services.common.insights.results.kept import Result
from services.query.insights.funnels.correlation.question import (
    OfEventProperties,
    OfEvents,
    OfRecords,
    Question,
    render,
)
from services.query.insights.funnels.correlation.statement import compile_correlation, plain
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.planner import Planned
from services.query.insights.funnels.quick import quick_first
from services.query.insights.funnels.work import Clock

EVERY_NAME = "$all"


class CorrelationWork(msgspec.Struct, frozen=True):
    clickhouse: ClickHouse
    question: Question
    planned: Planned
    p_values: bool

    async def run(self, query_id: str) -> Result:
        plan, clock = self.planned.plan, Clock()
        rows = await quick_first(
            self.clickhouse,
            plain(plan),
            lambda forms: compile_correlation(
                plan, self.question, has_overrides=self.planned.has_overrides, forms=forms
            ),
            has_overrides=self.planned.has_overrides,
            query_id=query_id,
        )
        clock.lap("clickhouse")
        answer = render(plan, rows, p_values=self.p_values)
        clock.lap("render")
        return Result(
            results=Raw(msgspec.json.encode(answer)),
            hogql=f"CORRELATE {_named(self.question)} WITH CONVERSION OF\n{describe(plain(plan))}",
            resolved_date_range=Raw(
                msgspec.json.encode(
                    {"date_from": written(plan.date_from), "date_to": written(plan.date_to)}
                )
            ),
            timings=Raw(msgspec.json.encode(clock.timings)),
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
