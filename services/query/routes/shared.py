"""The public side of sharing: a page or a JSON document per token, without an API key."""

import msgspec
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.insights import ResultFields
from contracts.api.shared import SharedAnswer, SharedInsight, SharedProblem
from contracts.api.times import written
from contracts.json import is_null
from contracts.read_models.insight import InsightRow
from services.common.accounts.accounts import Accounts
from services.common.http.operations import AnswerDescription, RouteDescription, described
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.http.share_session import ShareSessions
from services.common.insights.context import shown_query
from services.common.insights.results.freshness import Refresh, for_shared_viewer
from services.common.insights.shares import Share
from services.query.http.shown import from_cache
from services.query.http.visitors import note_visitor
from services.query.insights.stored_insights import InsightResults, chart_of
from services.query.reads.all import Reads
from services.query.shared.pages import headers, insight_page, look_of, missing_page, unlock_page

PUBLIC = {"public": True}
WRONG = {
    "password": "That is not the password.",
    "often": "Too many wrong passwords. Wait two minutes.",
}

_HTML = "text/html"
_NOT_THERE = AnswerDescription(kind=str, media_type=_HTML, also={"application/json": SharedProblem})
PAGE_OR_DOCUMENT = described(
    RouteDescription(
        answers={
            200: AnswerDescription(
                kind=str, media_type=_HTML, also={"application/json": SharedAnswer}
            ),
            401: AnswerDescription(kind=SharedProblem),
            404: _NOT_THERE,
        }
    )
)
PAGE = described(
    RouteDescription(
        answers={status: AnswerDescription(kind=str, media_type=_HTML) for status in (200, 404)}
    )
)


@get("/shared/{token:str}", opt={**PUBLIC, **PAGE_OR_DOCUMENT})
async def shared(
    request: AnyRequest,
    token: FromPath[str],
    reads: NamedDependency[Reads],
    sessions: NamedDependency[ShareSessions],
    accounts: NamedDependency[Accounts],
    insight_results: NamedDependency[InsightResults],
) -> Response[bytes]:
    """The shared insight as a page; as JSON with `.json` behind the token or in Accept."""
    wanted = token.removesuffix(".json")
    as_json = wanted != token or "application/json" in request.headers.get("accept", "")
    share = await reads.share(wanted)
    if share is None or share.insight.deleted:
        return _json_error(404, "Not found.") if as_json else _page(missing_page(), 404)
    opened = note_visitor(request, share, sessions)
    if as_json:
        noted(request.scope).what = "insight_document"
    if not opened:
        return _json_error(401, "Password needed.") if as_json else _locked(request, share)
    row, fields, timezone = await _computed(request, share, accounts, insight_results)
    return _document(row, fields, timezone) if as_json else _insight(share, fields, timezone)


@get("/embedded/{token:str}", opt={**PUBLIC, **PAGE})
async def embedded(
    request: AnyRequest,
    token: FromPath[str],
    reads: NamedDependency[Reads],
    sessions: NamedDependency[ShareSessions],
    accounts: NamedDependency[Accounts],
    insight_results: NamedDependency[InsightResults],
) -> Response[bytes]:
    """The same page, for other sites to frame."""
    share = await reads.share(token)
    if share is None or share.insight.deleted:
        return _page(missing_page(), 404, framed=True)
    if not note_visitor(request, share, sessions):
        return _locked(request, share, framed=True)
    _, fields, timezone = await _computed(request, share, accounts, insight_results)
    return _insight(share, fields, timezone, framed=True)


async def _computed(
    request: AnyRequest, share: Share, accounts: Accounts, results: InsightResults
) -> tuple[InsightRow, ResultFields, str]:
    """A visitor never forces a computation: the cache, and a new one when that is stale."""
    project = await accounts.project(share.team_id)
    if project is None:
        raise RuntimeError(f"share of project {share.team_id}, which is not there")
    refresh = for_shared_viewer(Refresh.BLOCKING)
    fields = await results.shown(share.insight, project, refresh)
    noted(request.scope).shows(
        [share.insight.insight_id], refresh=refresh.value, from_cache=from_cache([fields])
    )
    return share.insight, fields, project.timezone


def _insight(
    share: Share, fields: ResultFields, timezone: str, *, framed: bool = False
) -> Response[bytes]:
    page = insight_page(
        share.insight,
        look_of(share.sharing),
        chart_of(share.insight, fields.result),
        fields.last_refresh,
        timezone,
    )
    return _page(page, framed=framed)


def _document(row: InsightRow, fields: ResultFields, timezone: str) -> Response[bytes]:
    converted = shown_query(row)
    body = SharedInsight(
        name=row.name,
        derived_name=row.derived_name,
        description=row.description,
        query=row.query if is_null(converted) else converted,
        filters=row.filters,
        result=fields.result,
        columns=fields.columns,
        last_refresh=written(fields.last_refresh),
        timezone=timezone,
    )
    return Response(
        msgspec.json.encode(SharedAnswer(body)),
        media_type=MediaType.JSON,
        headers={"Cache-Control": "no-store"},
    )


def _locked(request: AnyRequest, share: Share, *, framed: bool = False) -> Response[bytes]:
    # A form that shows nothing: as a 401 it is no read.
    noted(request.scope).reader = None
    wrong = WRONG.get(request.query_params.get("wrong", ""))
    return _page(unlock_page(look_of(share.sharing), wrong), framed=framed)


def _page(page: str, status: int = 200, *, framed: bool = False) -> Response[bytes]:
    return Response(
        page.encode(),
        status_code=status,
        media_type="text/html",
        headers=headers(embedded=framed),
    )


def _json_error(status: int, detail: str) -> Response[bytes]:
    return Response(
        msgspec.json.encode({"error": detail}),
        status_code=status,
        media_type=MediaType.JSON,
        headers={"Cache-Control": "no-store"},
    )


HANDLERS = [shared, embedded]
