"""A number of a trend, event by event."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from contracts.api.explain_point import Reason
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.trends import TrendsQuery
from contracts.times import MICROSECOND, microseconds
from services.common.accounts.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.relation import printed, table
from services.common.clickhouse.statement import Bindings
from services.query.events.conditions import AnyCondition, InCohort
from services.query.events.series import test_account_filters
from services.query.events.source import Source
from services.query.events.zones import in_zone
from services.query.insights.computed import Tools
from services.query.insights.explained import (
    EventTest,
    Looked,
    PreparedExplanation,
    actor_tests,
    candidates,
    filter_tests,
    late_column,
)
from services.query.insights.trends.compute import row_of
from services.query.insights.trends.plan import (
    NULL,
    ByProperty,
    FirstTime,
    OneValue,
    Series,
    TrendsPlan,
)
from services.query.insights.trends.pointing import (
    AnyChoice,
    OfCohort,
    Pointed,
    pointed,
    span_of_side,
)
from services.query.insights.trends.statement import keys
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.keys import Rows
from services.query.insights.trends.statement.people import (
    events_behind,
    has_number,
    in_row,
    is_running,
    window_of,
)
from services.query.insights.trends.work import planned

_NOT_FIRST = "It is not the first event of its actor, or not at that instant."
_BEFORE = "Its actor was counted in an earlier period."


async def explain(
    tools: Tools, project: Project, query: InsightActorsQuery | StickinessActorsQuery
) -> PreparedExplanation:
    """Raises InvalidQuery for a number that the answer does not have."""
    assert isinstance(query, InsightActorsQuery)
    assert isinstance(query.source, TrendsQuery)
    plan, facts = await planned(tools.lookups, project, query.source)
    zoned = in_zone(facts, query.source.dateRange)
    accounts = test_account_filters(query.source.filterTestAccounts, zoned)
    look = TrendLook(await tools.shards.of(project.id), plan, pointed(plan, query), accounts)
    return PreparedExplanation(facts, look)


class TrendLook(msgspec.Struct, frozen=True):
    """test_accounts: of the plan's filters those."""

    clickhouse: ClickHouse
    plan: TrendsPlan
    pointed: Pointed
    test_accounts: AnyCondition

    async def __call__(self, *, has_overrides: bool) -> Looked | None:
        series, span = self.pointed.series, span_of_side(self.plan, self.pointed.side)
        if series is None or not has_number(span, self.pointed):
            return None
        asked = Asked(plan=self.plan, series=series, span=span, has_overrides=has_overrides)
        asked = await row_of(self.clickhouse, asked, self.pointed.row)
        return _looked(asked, self.pointed, self._tests(series))

    def _tests(self, series: Series) -> list[EventTest]:
        plan, row = self.plan, self.pointed.row
        found = filter_tests(series.entity, plan.filters, self.test_accounts)
        if isinstance(row, OfCohort) and row.cohort_id:
            detail = f"Its person is not in cohort {row.cohort_id}."
            found.append(EventTest("other_row", InCohort(row.cohort_id), detail))
        return found


def _looked(asked: Asked, pointed: Pointed, tests: Sequence[EventTest]) -> Looked:
    plan, bindings = asked.plan, Bindings()
    source = Source(
        plan.team_id,
        bindings,
        period=_time(asked, pointed),
        has_overrides=asked.has_overrides,
        timezone=asked.span.timezone,
        cohorts=dict(plan.cohorts),
    )
    breakdown = plan.breakdown if isinstance(plan.breakdown, ByProperty) else None
    texts = keys.columns(breakdown, source)
    text = candidates(source, asked.series.entity, asked.actor, tests, plan.sample, texts)
    told = keys.told(
        breakdown, table(f"({text})", *texts), Rows(bounds=asked.rows.bounds), bindings
    )
    fits = _fits(asked, pointed.row, bindings)
    note = f"toJSONString(tuple(toUInt8({fits}), [{', '.join(texts)}]))"
    end = _end(asked, pointed)
    late = late_column(bindings, None if end is None else microseconds(end))
    return Looked(
        text=(
            f"SELECT *, uuid IN ({printed(events_behind(asked, pointed, bindings))}) AS counts,"
            f" {late} AS late, {note} AS note FROM ({printed(told)})"
        ),
        bindings=bindings,
        tests=[*tests, *actor_tests(plan.sample)],
        why=partial(_why, asked),
        has_end=end is not None,
    )


def _fits(asked: Asked, row: AnyChoice | None, bindings: Bindings) -> str:
    """Whether an event has the row's value; of cohorts that is a test by itself."""
    if row is None or isinstance(row, OfCohort):
        return "1"
    tests = in_row(row, bindings)
    if asked.rows.without:
        tests.append(keys.outside(asked.rows.without, bindings))
    return " AND ".join(tests) or "1"


def _why(asked: Asked, note: Any) -> tuple[Reason, str]:
    """note: whether the event has the row's value, and its own."""
    fits, texts = note
    if not fits:
        return "other_row", f"Its value is {', '.join(repr(text or NULL) for text in texts)}."
    if isinstance(asked.series.math, FirstTime):
        return "not_first", _NOT_FIRST
    if is_running(asked):
        return "counted_before", _BEFORE
    return "not_counted", "It is not counted."


def _time(asked: Asked, pointed: Pointed) -> tuple[datetime, datetime]:
    """From the first to the last instant at which an event can count for the number."""
    span, window = asked.span, window_of(asked, pointed)
    if window is not None:
        return window.since, window.until - MICROSECOND
    if pointed.point is None or isinstance(asked.plan.shape, OneValue):
        return span.date_from, span.date_to
    period = span.periods[pointed.point]
    return max(period.start, span.date_from), min(period.end - MICROSECOND, span.date_to)


def _end(asked: Asked, pointed: Pointed) -> datetime | None:
    """Of the point's period."""
    if pointed.point is None or isinstance(asked.plan.shape, OneValue):
        return None
    return asked.span.periods[pointed.point].end
