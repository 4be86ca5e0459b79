"""Creating and editing actions."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.actions import ActionBody, WriteAction
from contracts.events.action import ActionEvent
from contracts.events.streams import action_stream
from services.command.actions.translation import (
    RULES,
    action_answer,
    create_command,
    edit_command,
    read_action,
)
from services.command.handle import Outcome, Terms, handle, once
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import EDITS, number_in_path, project_paths
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("action:write",)}


@post(
    project_paths("/actions/"),
    opt={**WRITE, **writes(WriteAction, ActionBody, status=201)},
    status_code=201,
)
async def create_action(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create an action. All fields may be left out; without steps it is every event."""
    body = await read_action(request)

    async def create() -> Outcome[ActionEvent]:
        number = await numbers.new_action(caller.team_id)
        stream = action_stream(caller.team_id, number)
        return await handle(store, RULES, stream, create_command(body, number), terms)

    outcome = await once(store, terms, create)
    return await action_answer(outcome, accounts, status=201)


@route(
    project_paths("/actions/{action:str}/"),
    http_method=EDITS,
    opt={**WRITE, **writes(WriteAction, ActionBody)},
)
async def edit_action(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    action: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit an action; `deleted` takes it out of sight and brings it back."""
    command = edit_command(await read_action(request))
    stream = action_stream(caller.team_id, number_in_path(action))

    async def edit() -> Outcome[ActionEvent]:
        return await handle(store, RULES, stream, command, terms)

    outcome = await once(store, terms, edit)
    return await action_answer(outcome, accounts)


HANDLERS = [create_action, edit_action]
