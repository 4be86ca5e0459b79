"""Parameters of a read of insights that are about results: the refresh mode, and filters laid over
them.
"""

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from contracts.api.insights import NO_RESULT, ResultFields, TileLook, live_tiles
from contracts.queries.members import check_overrides
from contracts.queries.of_insights import overridden, seen_under
from contracts.queries.overrides import Overrides, of_dashboard
from contracts.queries.overrides import read as read_overrides
from contracts.read_models.insight import InsightRow
from contracts.references import number_in
from services.common.http.caller import Caller
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest
from services.common.insights.joined_columns import JoinedColumns
from services.common.insights.results.freshness import Refresh, parse_refresh
from services.query.http.included import included
from services.query.http.parameters import seen, text
from services.query.insights.stored_insights import InsightResults, known_words
from services.query.reads.dashboards import DashboardInsight, DashboardReads, FoundDashboard
from services.query.reads.insight_list import InsightListRow
from services.query.results.cache import NOTHING_SEEN, Positions

AT_ONCE = 8


class ResultParameters(msgspec.Struct, frozen=True):
    """overrides: None when nothing is laid over the stored query.

    seen: what no number may be older than, where the mode computes.
    dashboard_id: of the one the insight is read from. tile: how it shows there.
    include: as it was sent; of one insight alone.
    """

    refresh: Refresh
    overrides: Overrides | None
    client_query_id: str | None
    seen: Positions = NOTHING_SEEN
    dashboard_id: int | None = None
    tile: TileLook | None = None
    include: str | None = None

    @property
    def is_kept_alone(self) -> bool:
        """Whether the row's own statement has all that is wanted."""
        no_more = self.overrides is None and not self.include
        return no_more and self.refresh is Refresh.FORCE_CACHE


KEPT = ResultParameters(Refresh.FORCE_CACHE, overrides=None, client_query_id=None)
"""The parameters that the row's own statement answers."""


def wanted(request: AnyRequest) -> ResultParameters:
    """Raises Rejected 400, InvalidQuery."""
    return ResultParameters(
        parse_refresh(text(request, "refresh")),
        _overrides(text(request, "filters_override")),
        text(request, "client_query_id"),
        seen(request),
        include=text(request, "include"),
    )


async def on_dashboard(
    asked: ResultParameters,
    request: AnyRequest,
    row: InsightRow,
    dashboards: DashboardReads,
    as_of: int | None = None,
) -> ResultParameters:
    """With the filters and the looks of the dashboard that `from_dashboard` names.

    A dashboard that the insight is not on is ignored. Ad-hoc filters win over the dashboard's.
    as_of: the position of the past that both are of.
    """
    named = number_in(text(request, "from_dashboard") or "")
    if named is None or all(tile.dashboard_id != named for tile in live_tiles(row)):
        return asked
    board = await dashboards.row(row.team_id, named, as_of)
    tile = None if board is None else board.tile_of(row.insight_id)
    if board is None or tile is None:
        return asked
    filters = msgspec.json.decode(board.filters)
    return msgspec.structs.replace(
        asked,
        overrides=asked.overrides or (read_overrides(filters) if filters else None),
        dashboard_id=board.dashboard_id,
        tile=TileLook(tile.color, tile.layouts),
    )


async def with_result(
    row: InsightRow,
    joined: JoinedColumns,
    asked: ResultParameters,
    caller: Caller,
    results: InsightResults,
) -> tuple[InsightRow, JoinedColumns]:
    """The row as it is shown, and its result as the mode says."""
    if asked.is_kept_alone:
        return row, joined
    shown = row if asked.overrides is None else overridden(row, asked.overrides)
    fields = await results.fields(
        shown,
        caller.project,
        asked.refresh,
        seen=asked.seen,
        client_query_id=asked.client_query_id,
        dashboard_id=asked.dashboard_id,
        include=included(asked.include, known_words(shown)),
    )
    return shown, msgspec.structs.replace(joined, result=fields)


async def with_results(
    listed: Sequence[InsightListRow],
    asked: ResultParameters,
    caller: Caller,
    results: InsightResults,
) -> Sequence[InsightListRow]:
    """The results of a list. An insight that can't be computed has none: it breaks no list."""
    if asked.is_kept_alone:
        return listed
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(each: InsightListRow) -> InsightListRow:
        async with slots:
            fields = await results.shown(each.row, caller.project, asked.refresh, asked.seen)
        return msgspec.structs.replace(
            each, joined=msgspec.structs.replace(each.joined, result=fields)
        )

    return await asyncio.gather(*(one(each) for each in listed))


def under(found: FoundDashboard) -> FoundDashboard:
    """The dashboard's insights under its filters. A filter makes another query of an insight, with
    a kept result of its own.
    """
    overrides = of_dashboard(found.row.filters)

    def one(on: DashboardInsight) -> DashboardInsight:
        row = seen_under(on.row, overrides)
        return on if row is on.row else _with(on, row, NO_RESULT)

    return msgspec.structs.replace(found, insights=tuple(one(on) for on in found.insights))


async def with_tiles(
    found: FoundDashboard, asked: ResultParameters, caller: Caller, results: InsightResults
) -> FoundDashboard:
    """Its insights under its filters, or ad-hoc ones, each with its result as the mode says.

    An insight that can't be computed has no result: it breaks no dashboard.
    """
    overrides = asked.overrides or of_dashboard(found.row.filters)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(on: DashboardInsight) -> DashboardInsight:
        row = seen_under(on.row, overrides)
        if row is on.row and asked.is_kept_alone:
            return on
        async with slots:
            fields = await results.shown(row, caller.project, asked.refresh, asked.seen)
        return _with(on, row, fields)

    insights = await asyncio.gather(*(one(on) for on in found.insights))
    return msgspec.structs.replace(found, insights=tuple(insights))


def _with(on: DashboardInsight, row: InsightRow, result: ResultFields) -> DashboardInsight:
    joined = msgspec.structs.replace(on.joined, result=result)
    return msgspec.structs.replace(on, row=row, joined=joined)


def _overrides(sent: str | None) -> Overrides | None:
    if not sent:
        return None
    try:
        document = msgspec.json.decode(sent, type=dict[str, Raw])
    except msgspec.DecodeError as cause:
        raise invalid(
            "filters_override", "invalid_input", "filters_override is a JSON object."
        ) from cause
    filters = {name: msgspec.json.decode(value) for name, value in document.items()}
    check_overrides(filters)
    return read_overrides(filters)
