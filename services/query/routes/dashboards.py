"""Reading dashboards: a list, and one."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.dashboards import DashboardBody, DashboardPage
from contracts.api.insights import InsightBody
from contracts.events.streams import dashboard_stream
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import number_in_path, project_paths
from services.common.http.problems import not_found
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.insights.access import may_edit_dashboard, owns
from services.common.insights.context import insight_context, user_bodies
from services.query.http import as_of, described, paging, shown
from services.query.http.answers import answer
from services.query.http.insight_results import under, with_tiles
from services.query.http.insight_results import wanted as results_wanted
from services.query.insights.stored_insights import InsightResults
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.dashboards import DashboardEnd, FoundDashboard

READ = {"scopes": ("dashboard:read",)}

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/dashboards/"), opt={**READ, **reads(DashboardPage, *described.PAGE, as_of=True)}
)
async def list_dashboards(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Dashboards of the project: pinned ones first, then by name; deleted ones never.

    The insights on one that has filters are shown under them, and without their results, which one
    dashboard alone looks up.
    """
    page = paging.page(request, DashboardEnd)
    moment = await as_of.asked(request, reads, caller.project)
    fresh = await as_of.fresh(
        request, reads, lambda: reads.dashboards.page(caller, page, as_of.position(moment)), moment
    )
    found = fresh.value
    body = DashboardPage(
        count=found.count,
        next=paging.next_page(request, page, found.more, found.end, moment),
        previous=paging.previous_page(request, page, moment),
        results=tuple(
            [await dashboard_body(under(each), accounts, caller) for each in found.dashboards]
        ),
    )
    noted(request.scope).shows(
        (each.row.dashboard_id for each in found.dashboards),
        insights=_on(*found.dashboards),
    )
    return answer(request, _encoder.encode(body), fresh, moment=moment)


@get(
    project_paths("/dashboards/{dashboard:str}/"),
    opt={**READ, **reads(DashboardBody, *described.RESULTS, as_of=True)},
)
async def get_dashboard(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_results: NamedDependency[InsightResults],
    dashboard: FromPath[str],
) -> Response[bytes]:
    """One dashboard with its tiles, each with the whole insight under the dashboard's filters."""
    number = number_in_path(dashboard)
    stream = dashboard_stream(caller.team_id, number)
    moment = await as_of.asked(request, reads, caller.project, stream)
    fresh = await as_of.fresh(
        request, reads, lambda: reads.dashboards.one(caller, number, as_of.position(moment)), moment
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    found = fresh.value.found
    if found is None:
        raise not_found()
    wanted = results_wanted(request)
    found = await with_tiles(found, wanted, caller, insight_results)
    body = await dashboard_body(found, accounts, caller)
    noted(request.scope).shows(
        [number],
        insights=_on(found),
        refresh=wanted.refresh.value,
        from_cache=shown.from_cache(on.joined.result for on in found.insights),
    )
    return answer(request, _encoder.encode(body), fresh, version=found.row.version, moment=moment)


def _on(*dashboards: FoundDashboard) -> list[int]:
    """The insights that are shown on them."""
    return sorted({on.row.insight_id for found in dashboards for on in found.insights})


async def dashboard_body(
    found: FoundDashboard, accounts: Accounts, caller: Caller
) -> DashboardBody:
    row = found.row
    users = await user_bodies(accounts, (row.created_by,))
    insights = [
        InsightBody.of(
            on.row, await insight_context(accounts, caller, on.row, on.access, on.joined)
        )
        for on in found.insights
    ]
    return DashboardBody.of(
        row,
        insights,
        created_by=users.get(row.created_by or 0),
        restriction=found.restriction,
        may_edit=may_edit_dashboard(found.restriction, row.created_by, caller),
        is_manager=owns(row.created_by, caller),
    )


HANDLERS = [list_dashboards, get_dashboard]
