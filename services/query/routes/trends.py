"""Trends, stickiness and lifecycles asked for by legacy filters: in a body, or spelled out."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from msgspec import Raw

from contracts.api.period_filters import RunTrend
from contracts.api.queries import TrendEnvelope
from contracts.json import is_null
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import kind_of_filters
from contracts.queries.legacy import insight_kind, spelled
from contracts.queries.loose import integer, text
from contracts.queries.of_insights import query_of_filters
from contracts.queries.trends import TrendsQuery
from services.common.http.caller import Caller
from services.common.http.csv_answers import CSV, wants_csv
from services.common.http.csv_tables import to_csv
from services.common.http.operations import does, shows
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.query.http import described
from services.query.http.included import included
from services.query.http.paging import link
from services.query.http.parameters import seen
from services.query.http.shown import note_result
from services.query.insights.additions import WARNINGS, computed
from services.query.insights.beside_results import beside_result
from services.query.insights.kinds import computation_of, kind_of
from services.query.insights.trends.links import link_rows
from services.query.insights.trends.pages import Page, cut, page_of, widened
from services.query.results.service import ResultRequest, Results
from services.query.routes.funnels import READ, asked_refresh, envelope, filters_of, text_or_none

PATHS = [*project_paths("/insights/trend/"), *project_paths("/insights/trend.csv")]
KINDS = ("TRENDS", "STICKINESS", "LIFECYCLE")
_ANCIENT = {"SESSIONS": "TRENDS"}


@get(PATHS, opt={**READ, **shows(TrendEnvelope, *described.TREND)})
async def get_trend(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Compute a trend, stickiness or a lifecycle; lists and objects are JSON text."""
    return await _trend(request, results, caller)


@post(PATHS, opt={**READ, **does(RunTrend, TrendEnvelope, *described.REFRESH)}, status_code=200)
async def post_trend(
    request: AnyRequest, results: NamedDependency[Results], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """Compute a trend, with the filter in the body."""
    return await _trend(request, results, caller)


async def _trend(request: AnyRequest, results: Results, caller: Caller) -> Response[bytes]:
    sent = await filters_of(request)
    filters = _named(sent)
    try:
        query = query_of_filters(filters)
        page = Page()
        if isinstance(query, TrendsQuery):
            page = page_of(query, integer(filters, "offset") or 0)
            query = widened(query, page)
        include = included(filters.get("include"), kind_of(query).include | {WARNINGS})
        refresh = asked_refresh(filters.get("refresh"))
        answered = await results.answer(
            ResultRequest(
                checked=WARNINGS in include,
                project=caller.project,
                computation=computation_of(query, include=computed(include)),
                refresh=refresh,
                seen=seen(request),
                # A refresh on this endpoint is meant: there is no insight to spare.
                limited=False,
                client_query_id=text_or_none(filters.get("client_query_id")),
            )
        )
    except InvalidQuery as refused:
        raise spelled(refused) from refused
    note_result(request, refresh, answered)
    found = envelope(answered, caller)
    following = None
    if not is_null(found.result):
        rows = msgspec.json.decode(found.result)
        if isinstance(query, TrendsQuery):
            rows, following = cut(query, rows, page)
        if _is_csv_path(request) or wants_csv(request.scope):
            return _csv(request, caller, filters, rows)
        if isinstance(query, TrendsQuery):
            link_rows(request, caller.team_id, filters, rows)
        found = msgspec.structs.replace(found, result=Raw(msgspec.json.encode(rows)))
    kind = kind_of_filters(filters["insight"])
    ignored = [] if kind is None else kind.ignored(query)
    members = msgspec.structs.asdict(found) | beside_result(answered, include, ignored)
    next_ = None if following is None else link(request, offset=str(following))
    body = TrendEnvelope(**members, next=next_)
    return Response(msgspec.json.encode(body), media_type=MediaType.JSON)


def _named(filters: Mapping[str, Any]) -> dict[str, Any]:
    """With the kind that they are of. Raises InvalidQuery for one that is asked for elsewhere."""
    kind = insight_kind(filters)
    kind = _ANCIENT.get(kind, kind)
    if kind not in KINDS:
        detail = f"This endpoint computes {', '.join(KINDS)}, and no {kind[:100]}."
        raise invalid_input("insight", detail)
    return {**filters, "insight": kind}


# As CSV


def _is_csv_path(request: AnyRequest) -> bool:
    return request.url.path.rstrip("/").endswith(".csv")


def _csv(
    request: AnyRequest, caller: Caller, filters: Mapping[str, Any], rows: Iterable[dict[str, Any]]
) -> Response[bytes]:
    """A line per row, a column per point."""
    table = to_csv(msgspec.json.encode([_line(row) for row in rows]), None)
    if insight := text(filters, "export_insight_id"):
        url = request.url
        path = f"/api/projects/{caller.team_id}/insights/{quote(insight, safe='')}/"
        table = f"{url.scheme}://{url.netloc}{path}\r\n".encode() + table
    name = text(filters, "export_name") or "export"
    since, until = text(filters, "date_from") or "-7d", text(filters, "date_to") or "now"
    file = quote(f"{name} ({since} - {until}) from Recount.csv")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{file}"}
    return Response(table, media_type=CSV, headers=headers)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """series, and its numbers by label; a label that comes twice (the clock was put back) twice."""
    action = row.get("action") or {}
    label = row.get("label") if "breakdown_value" in row else action.get("custom_name")
    line: dict[str, Any] = {"series": label or row.get("label") or row.get("series_label")}
    if "p25" in row:
        of_box = ("day", "min", "p25", "median", "p75", "max", "mean")
        return line | {name: row[name] for name in of_box}
    if "aggregated_value" in row:
        return line | {"total": row["aggregated_value"]}
    for point, number in zip(row["labels"], row["data"], strict=True):
        again = sum(name == point or name.startswith(f"{point} (") for name in line)
        line[f"{point} ({again + 1})" if again else point] = number
    return line


HANDLERS = [get_trend, post_trend]
