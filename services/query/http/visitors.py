"""Reading one shared insight through the API with its token, instead of a key."""

from typing import TypeAlias

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from contracts.api.insight_pages import InsightPage
from contracts.api.insights import BasicInsight, InsightBody, InsightContext
from contracts.read_models.insight import InsightRow
from contracts.reads import VisitorReader
from contracts.references import InsightReference
from services.common.accounts.accounts import Accounts, Project
from services.common.http.answers import resource
from services.common.http.caller import SHARING_TOKEN, Caller, provide_caller
from services.common.http.observed import correlation_of
from services.common.http.problems import not_found, share_refused
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.http.share_session import ShareSessions, session_of
from services.common.insights.context import shown_query
from services.common.insights.results.freshness import for_shared_viewer, parse_refresh
from services.common.insights.shares import Share
from services.query.http.parameters import seen
from services.query.http.shown import from_cache
from services.query.insights.stored_insights import InsightResults
from services.query.reads.all import Reads


class Visitor(msgspec.Struct, frozen=True):
    """The holder of a living share's token: sees this one insight, and changes nothing."""

    share: Share
    project: Project


# Not validated on the way: it was made here.
Reader: TypeAlias = NamedDependency[SkipValidation[Caller | Visitor]]


async def provide_reader(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    reads: NamedDependency[Reads],
    sessions: NamedDependency[ShareSessions],
) -> Caller | Visitor:
    """Raises Rejected as `provide_caller` does; 403 for a token that opens nothing, 404 for that of
    a deleted insight.
    """
    token = request.query_params.get(SHARING_TOKEN)
    if token is None:
        return await provide_caller(request, accounts)
    share = await reads.share(token)
    opened = share is not None and note_visitor(request, share, sessions)
    if share is not None and share.insight.deleted:
        # Before its password: a token that is right leads to what is not there.
        raise not_found()
    if share is None or not opened:
        raise share_refused()
    project = await accounts.project(share.team_id)
    asked = request.path_params["project"]
    if project is None or asked not in ("@current", str(project.id)):
        raise share_refused()
    return Visitor(share, project)


def note_visitor(request: AnyRequest, share: Share, sessions: ShareSessions) -> bool:
    """Whether the share is open to the visitor. For the trail of reads it is told either way."""
    opened = share.opened_by(sessions.check(session_of(request)))
    note = noted(request.scope)
    note.team_id = share.team_id
    note.reader = VisitorReader(
        token_id=share.token_id, unlocked=opened and share.sharing.password_required
    )
    note.correlation_id = correlation_of(request.scope)
    note.shows([share.insight.insight_id])
    return opened


async def shared_list(
    request: AnyRequest, visitor: Visitor, results: InsightResults, *, basic: bool
) -> Response[bytes]:
    """A page with the one insight on it."""
    row = visitor.share.insight
    context = await _context(request, visitor, results)
    shape: type[BasicInsight] | type[InsightBody] = BasicInsight if basic else InsightBody
    body = msgspec.Raw(msgspec.json.encode(shape.of(row, context)))
    page = InsightPage(count=1, next=None, previous=None, results=(body,))
    return resource(msgspec.json.encode(page), version=0, position=0)


async def shared_insight(
    request: AnyRequest, visitor: Visitor, wanted: InsightReference, results: InsightResults
) -> Response[bytes]:
    """Raises Rejected 404 for any other insight than the shared one."""
    row = visitor.share.insight
    if not _is(row, wanted):
        raise not_found()
    context = await _context(request, visitor, results)
    body = msgspec.json.encode(InsightBody.of(row, context))
    return resource(body, version=row.version, position=0)


def _is(row: InsightRow, wanted: InsightReference) -> bool:
    return row.insight_id == wanted.number or row.short_id == wanted.short_id


async def _context(
    request: AnyRequest, visitor: Visitor, results: InsightResults
) -> InsightContext:
    """PostHog: a visitor is below every collaborator (37), and may view (21). The answer names no
    person.
    """
    row = visitor.share.insight
    refresh = for_shared_viewer(parse_refresh(request.query_params.get("refresh")))
    result = await results.shown(row, visitor.project, refresh, seen(request))
    noted(request.scope).shows(
        [row.insight_id], refresh=refresh.value, from_cache=from_cache([result])
    )
    return InsightContext(
        users={},
        timezone=visitor.project.timezone,
        access_level="viewer",
        restriction_level=37,
        privilege_level=21,
        result=result,
        shown_query=shown_query(row),
    )
