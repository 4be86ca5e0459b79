"""Creating and editing actions."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.actions import ActionBody, WriteAction
from services.command.actions.service import Actions
from services.command.handle import Terms
from services.common.http.operations import plannable, writes
from services.common.http.paths import EDITS, number_in_path, project_paths

WRITE = {"scopes": ("action:write",)}


@post(
    project_paths("/actions/"),
    opt={**WRITE, **plannable(writes(ActionBody, status=201))},
    status_code=201,
)
async def create_action(
    actions: NamedDependency[Actions],
    sent: NamedDependency[WriteAction],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create an action. All fields may be left out; without steps it is every event."""
    outcome = await actions.create(sent, terms)
    return await actions.answer(outcome, status=201)


@route(
    project_paths("/actions/{action:str}/"),
    http_method=EDITS,
    opt={**WRITE, **plannable(writes(ActionBody))},
)
async def edit_action(
    actions: NamedDependency[Actions],
    action: FromPath[str],
    sent: NamedDependency[WriteAction],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit an action; `deleted` takes it out of sight and brings it back."""
    outcome = await actions.edit(number_in_path(action), sent, terms)
    return await actions.answer(outcome)


HANDLERS = [create_action, edit_action]
