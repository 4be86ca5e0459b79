"""The page of one insight, and two of its versions side by side."""

from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.insights import UserBody
from contracts.events.insight import InsightEvent
from contracts.events.streams import Stream, insight_stream
from contracts.read_models.insight import InsightRow
from contracts.read_models.version import FOREVER
from contracts.references import insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import LEFT_OUT
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.common.insights.results.freshness import Refresh
from services.common.pages.answers import PROBLEMS, page_answer
from services.query.http import parameters
from services.query.http.insights_then import in_sight_then, insight_number, visible_insight
from services.query.http.versions import one_version
from services.query.insights.stored_insights import InsightResults
from services.query.pages.definitions import VersionLine, marked, side, version_line
from services.query.pages.rendering import rendered
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.insights import FoundInsight
from services.query.reads.versions import FoundVersion, VersionWish, between

READ = {"scopes": ("insight:read",), **LEFT_OUT}
PER_PAGE = 50


@get("/projects/{project:str}/insights/{insight:str}/", opt=READ, exception_handlers=PROBLEMS)
async def insight_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
    insight_results: NamedDependency[InsightResults],
    insight: FromPath[str],
) -> Response[bytes]:
    """The insight's result, its definition and its versions; a deleted one has its versions."""
    caller = page_caller
    found = await _found(reads, caller, insight)
    row = in_sight_then(found)
    stream = insight_stream(caller.team_id, row.insight_id)
    before = parameters.number(request, "before", FOREVER, least=1, most=FOREVER)
    wish = VersionWish(limit=PER_PAGE, before=before)
    fresh = await reads.freshness.of(lambda: reads.versions.page(stream, wish), None)
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    fields = await insight_results.shown(row, caller.project, Refresh.BLOCKING)
    versions = await _lines(fresh.value.versions, reads, accounts, caller)
    made = parameters.number(request, "made", 0, least=0, most=FOREVER)
    project = caller.project
    computed = fields.last_refresh
    page = rendered(
        "insight.html",
        project=project,
        number=row.insight_id,
        deleted=row.deleted,
        side=side(row, fields),
        computed=None if computed is None else computed.astimezone(ZoneInfo(project.timezone)),
        versions=versions,
        newest=row.version,
        made=next((each for each in versions if each.number == made == row.version), None),
        may_edit=caller.key.allows("insight:write") and found.access.allows("editor"),
        more=fresh.value.more,
    )
    return page_answer(page)


@get(
    "/projects/{project:str}/insights/{insight:str}/compare/",
    opt=READ,
    exception_handlers=PROBLEMS,
)
async def compare_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
    insight_results: NamedDependency[InsightResults],
    insight: FromPath[str],
) -> Response[bytes]:
    """What differs between two versions, and both: their results over today's events."""
    caller = page_caller
    number = await visible_insight(reads, caller, insight)
    stream = insight_stream(caller.team_id, number)
    found = [await _version(request, reads, stream, name) for name in ("from", "to")]
    rows = [_insight_row(version) for version in found]
    shown = [
        side(row, await insight_results.shown(row, caller.project, Refresh.BLOCKING))
        for row in rows
    ]
    difference = between(rows[0], rows[1], await reads.versions.names(caller))
    page = rendered(
        "compare.html",
        project=caller.project,
        number=number,
        title=shown[1].title,
        sentences=difference.sentences,
        results_can_change=difference.results_can_change,
        sides=list(
            zip(
                await _lines(tuple(found), reads, accounts, caller),
                marked(shown[0], shown[1]),
                strict=True,
            )
        ),
    )
    return page_answer(page)


async def _found(reads: Reads, caller: Caller, insight: str) -> FoundInsight:
    """Raises Rejected 404."""
    wanted = insight_reference(insight)
    if wanted is None:
        raise not_found()
    await insight_number(reads, caller, wanted)
    fresh = await reads.freshness.of(lambda: reads.insights.one(caller, wanted), None)
    return fresh.value


async def _version(
    request: AnyRequest, reads: Reads, stream: Stream[InsightEvent], name: str
) -> FoundVersion:
    """Raises Rejected 404."""
    found, _ = await one_version(request, reads, stream, parameters.text(request, name) or "")
    return found


def _insight_row(version: FoundVersion) -> InsightRow:
    if not isinstance(version.row, InsightRow):
        raise not_found()
    return version.row


async def _lines(
    versions: tuple[FoundVersion, ...], reads: Reads, accounts: Accounts, caller: Caller
) -> list[VersionLine]:
    names = await reads.versions.names(caller)
    users: dict[int, UserBody] = await user_bodies(
        accounts, (version.entry.user_id for version in versions)
    )
    return [
        version_line(
            version,
            version.difference(names).sentences,
            users,
            caller.project.timezone,
        )
        for version in versions
    ]


HANDLERS = [insight_page, compare_page]
