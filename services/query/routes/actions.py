"""Reading actions: a list, and one."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.actions import ActionBody, ActionPage
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.query.http import described
from services.query.http.rows import one_of, page_of
from services.query.reads.all import Reads

READ = {"scopes": ("action:read",)}


@get(
    project_paths("/actions/"), opt={**READ, **reads(ActionPage, *described.NAMED_PAGE, as_of=True)}
)
async def list_actions(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """Actions of the project, the newest first, deleted ones never."""
    rows = reads.actions
    return await page_of(request, rows, ActionBody.of, ActionPage, reads, accounts, caller)


@get(project_paths("/actions/{action:str}/"), opt={**READ, **reads(ActionBody, as_of=True)})
async def get_action(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    action: FromPath[str],
) -> Response[bytes]:
    """One action."""
    rows = reads.actions
    return await one_of(request, action, rows, ActionBody.of, reads, accounts, caller)


HANDLERS = [list_actions, get_action]
