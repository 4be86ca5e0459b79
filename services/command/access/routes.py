"""Setting who may do what: with one insight, and with all of a project."""

from litestar import Response, put
from litestar.di import NamedDependency

from contracts.api.access import AccessBody, SetRuleBody, WriteAccess
from contracts.api.insights import InsightBody
from contracts.events.access import AccessEvent
from contracts.read_models.access import WHOLE_PROJECT
from domain.access.commands import SetAccess
from services.command.access.translation import (
    access_answer,
    access_command,
    require_manager,
    set_access,
)
from services.command.handle import Outcome, Terms, once
from services.common.accounts.accounts import Accounts
from services.common.http.body import read
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("access_control:write",)}


@put(
    project_paths("/insights/{insight:str}/access_controls/"),
    opt={**WRITE, **writes(WriteAccess, (SetRuleBody, AccessBody, InsightBody), empty=204)},
)
async def put_access(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes] | Response[None]:
    """Set one rule of the insight, or take it away with a null level."""
    body = await read(request, WriteAccess)
    return await _set(body, insight_id, insight_id, store, accounts, terms)


@put(
    [
        *project_paths("/insights/{insight:str}/global_access_controls/"),
        # Its deprecated name.
        *project_paths("/insights/{insight:str}/resource_access_controls/"),
    ],
    opt={**WRITE, **writes(WriteAccess, (SetRuleBody, AccessBody, InsightBody), empty=204)},
)
async def put_project_access(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes] | Response[None]:
    """Set one rule for all insights of the project, through any of them."""
    body = await read(request, WriteAccess)
    return await _set(body, insight_id, WHOLE_PROJECT, store, accounts, terms)


async def _set(
    body: WriteAccess,
    insight_id: int,
    number: int,
    store: EventStore,
    accounts: Accounts,
    terms: Terms,
) -> Response[bytes] | Response[None]:
    """number: of the insight whose rule it is, or WHOLE_PROJECT."""
    caller = terms.caller

    command: SetAccess | None = None

    async def set_it() -> Outcome[AccessEvent]:
        nonlocal command
        await require_manager(store, caller, insight_id, number)
        command = await access_command(body, number, caller, accounts)
        return await set_access(store, insight_id, number, command, terms)

    outcome = await once(store, terms, set_it)
    return await access_answer(outcome, body, command, insight_id, store, accounts, caller)


HANDLERS = [put_access, put_project_access]
