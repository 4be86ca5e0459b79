"""The pages of dashboards, actions and cohorts: what every operation did to one of them."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, action_stream, cohort_stream, dashboard_stream
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.version import FOREVER
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import LEFT_OUT
from services.common.http.paths import number_in_path
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.common.pages.answers import PROBLEMS, page_answer
from services.common.pages.names import NAMELESS
from services.query.http import parameters
from services.query.pages.definitions import version_line
from services.query.pages.rendering import rendered
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.versions import VersionWish

PER_PAGE = 50


@get(
    "/projects/{project:str}/dashboards/{dashboard:str}/",
    opt={"scopes": ("dashboard:read",), **LEFT_OUT},
    exception_handlers=PROBLEMS,
)
async def dashboard_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
    dashboard: FromPath[str],
) -> Response[bytes]:
    """The dashboard's versions."""
    stream = dashboard_stream(page_caller.team_id, number_in_path(dashboard))
    return await _page(request, reads, accounts, page_caller, stream)


@get(
    "/projects/{project:str}/actions/{action:str}/",
    opt={"scopes": ("action:read",), **LEFT_OUT},
    exception_handlers=PROBLEMS,
)
async def action_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
    action: FromPath[str],
) -> Response[bytes]:
    """The action's versions."""
    stream = action_stream(page_caller.team_id, number_in_path(action))
    return await _page(request, reads, accounts, page_caller, stream)


@get(
    "/projects/{project:str}/cohorts/{cohort:str}/",
    opt={"scopes": ("cohort:read",), **LEFT_OUT},
    exception_handlers=PROBLEMS,
)
async def cohort_page(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    page_caller: NamedDependency[Caller],
    cohort: FromPath[str],
) -> Response[bytes]:
    """The cohort's versions; never its people."""
    stream = cohort_stream(page_caller.team_id, number_in_path(cohort))
    return await _page(request, reads, accounts, page_caller, stream)


async def _page(
    request: AnyRequest,
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
    stream: Stream[DomainEvent],
) -> Response[bytes]:
    """Raises Rejected 404, 503."""
    before = parameters.number(request, "before", FOREVER, least=1, most=FOREVER)
    wish = VersionWish(limit=PER_PAGE, before=before)
    fresh = await reads.freshness.of(lambda: reads.versions.page(stream, wish), None)
    found = fresh.value
    if found.parked_at is not None:
        raise parked(found.parked_at)
    if not found.versions:
        raise not_found()
    tiles = {
        tile.insight_id
        for version in found.versions
        if isinstance(version.row, DashboardRow)
        for tile in version.row.tiles
    }
    names = await reads.versions.names(caller, sorted(tiles))
    users = await user_bodies(accounts, (version.entry.user_id for version in found.versions))
    newest = found.versions[0].row
    if not isinstance(newest, DashboardRow | ActionRow | CohortRow):
        raise not_found()
    page = rendered(
        "versions.html",
        project=caller.project,
        kind=stream.kind.value,
        title=newest.name or NAMELESS,
        deleted=newest.deleted and before == FOREVER,
        versions=[
            version_line(
                version,
                version.difference(names).sentences,
                users,
                caller.project.timezone,
            )
            for version in found.versions
        ],
        more=found.more,
    )
    return page_answer(page)


HANDLERS = [dashboard_page, action_page, cohort_page]
