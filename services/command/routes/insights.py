"""Creating and editing insights."""

from collections.abc import Sequence
from typing import Any, cast

from litestar import Request, Response, patch, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency

from contracts.events.insight import InsightEvent
from contracts.events.recorded import Recorded, Stream, StreamKind
from domain.errors import Stale
from domain.insight.commands import EditInsight
from services.command.handle import Outcome, Terms, handle, replayed
from services.command.insights import (
    RULES,
    changes_since,
    create_command,
    edit_command,
    insight_answer,
    read_insight,
    replace_command,
)
from services.command.numbers import Numbers
from services.common.accounts import Accounts
from services.common.caller import Caller
from services.common.etag import stale
from services.common.paths import project_paths
from services.common.store import EventStore

WRITE = {"scopes": ("insight:write",)}
AnyRequest = Request[Any, Any, State]


@post(project_paths("/insights/"), opt=WRITE, status_code=201)
async def create_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create an insight. All fields may be left out."""
    body = await read_insight(request)
    outcome = await replayed(store, terms)
    if outcome is None:
        number = await numbers.new_insight(caller.team_id)
        command = create_command(body, number)
        stream = Stream(StreamKind.INSIGHT, caller.team_id, number.id)
        outcome = await handle(store, RULES, stream, command, terms)
    return await insight_answer(outcome, caller, accounts, status=201)


@patch(project_paths("/insights/{insight:str}/"), opt=WRITE)
async def patch_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit an insight; answers with it as every later read will show it."""
    command = edit_command(await read_insight(request))
    outcome = await _edit(store, command, insight_id, terms)
    return await insight_answer(outcome, caller, accounts)


@put(project_paths("/insights/{insight:str}/"), opt=WRITE)
async def put_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Replace an insight: what the body does not name gets its default."""
    command = replace_command(await read_insight(request))
    outcome = await _edit(store, command, insight_id, terms)
    return await insight_answer(outcome, caller, accounts)


async def _edit(
    store: EventStore, command: EditInsight, insight_id: int, terms: Terms
) -> Outcome[InsightEvent]:
    outcome = await replayed(store, terms)
    if outcome is not None:
        return outcome
    stream = Stream(StreamKind.INSIGHT, terms.caller.team_id, insight_id)
    try:
        return await handle(store, RULES, stream, command, terms)
    except Stale as moved:
        history = cast("Sequence[Recorded[InsightEvent]]", moved.history)
        raise stale(moved.expected, moved.actual, changes_since(history, moved.expected)) from moved


HANDLERS = [create_insight, patch_insight, put_insight]
