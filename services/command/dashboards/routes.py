"""Creating and editing dashboards."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.dashboards import DashboardBody, WriteDashboard
from contracts.events.dashboard import DashboardEvent
from contracts.events.streams import dashboard_stream
from services.command.dashboards.translation import (
    RULES,
    create_command,
    dashboard_answer,
    read_dashboard,
)
from services.command.dashboards.write import DashboardWrite
from services.command.handle import Outcome, Terms, handle, handle_with, once
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import EDITS, number_in_path, project_paths
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("dashboard:write",)}


@post(
    project_paths("/dashboards/"),
    opt={**WRITE, **writes(WriteDashboard, DashboardBody, status=201)},
    status_code=201,
)
async def create_dashboard(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create a dashboard. All fields may be left out."""
    body = await read_dashboard(request)

    async def create() -> Outcome[DashboardEvent]:
        number = await numbers.new_dashboard(caller.team_id)
        stream = dashboard_stream(caller.team_id, number)
        return await handle(store, RULES, stream, create_command(body, number), terms)

    outcome = await once(store, terms, create)
    return await dashboard_answer(outcome, store, accounts, caller, status=201)


@route(
    project_paths("/dashboards/{dashboard:str}/"),
    http_method=EDITS,
    opt={**WRITE, **writes(WriteDashboard, DashboardBody)},
)
async def edit_dashboard(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    dashboard: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit a dashboard; deleting it takes its tiles, or its insights, along in the same append."""
    body = await read_dashboard(request)
    stream = dashboard_stream(caller.team_id, number_in_path(dashboard))
    write = DashboardWrite(store, caller, stream, body)

    async def edit() -> Outcome[DashboardEvent]:
        return await handle_with(store, RULES, stream, write, terms)

    outcome = await once(store, terms, edit)
    return await dashboard_answer(outcome, store, accounts, caller)


HANDLERS = [create_dashboard, edit_dashboard]
