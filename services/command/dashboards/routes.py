"""Creating and editing dashboards."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.dashboards import DashboardBody, WriteDashboard
from services.command.dashboards.service import Dashboards
from services.command.handle import Terms
from services.common.http.operations import plannable, writes
from services.common.http.paths import EDITS, number_in_path, project_paths

WRITE = {"scopes": ("dashboard:write",)}


@post(
    project_paths("/dashboards/"),
    opt={**WRITE, **plannable(writes(DashboardBody, status=201))},
    status_code=201,
)
async def create_dashboard(
    dashboards: NamedDependency[Dashboards],
    sent: NamedDependency[WriteDashboard],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create a dashboard. All fields may be left out."""
    outcome = await dashboards.create(sent, terms)
    return await dashboards.answer(outcome, terms.caller, status=201)


@route(
    project_paths("/dashboards/{dashboard:str}/"),
    http_method=EDITS,
    opt={**WRITE, **plannable(writes(DashboardBody))},
)
async def edit_dashboard(
    dashboards: NamedDependency[Dashboards],
    dashboard: FromPath[str],
    sent: NamedDependency[WriteDashboard],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit a dashboard; deleting it takes its tiles, or its insights, along in the same append."""
    outcome = await dashboards.edit(number_in_path(dashboard), sent, terms)
    return await dashboards.answer(outcome, terms.caller)


HANDLERS = [create_dashboard, edit_dashboard]
