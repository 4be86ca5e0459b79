"""Creating and editing insights."""

from litestar import Response, patch, post, put
from litestar.di import NamedDependency

from contracts.api.insights import InsightBody, WriteInsight
from contracts.events.insight import InsightEvent
from contracts.events.streams import Stream, insight_stream
from services.command.documents import or_default
from services.command.handle import Outcome, Terms, handle_with, once
from services.command.insights.joined import JoinedLookup
from services.command.insights.translation import (
    RULES,
    create_command,
    edit_command,
    insight_answer,
    read_insight,
    replace_command,
)
from services.command.insights.write import InsightWrite
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import project_paths
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("insight:write",)}


@post(
    project_paths("/insights/"),
    opt={**WRITE, **writes(WriteInsight, InsightBody, status=201)},
    status_code=201,
)
async def create_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    joined: NamedDependency[JoinedLookup],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create an insight. All fields may be left out."""
    body = await read_insight(request)

    write: InsightWrite | None = None

    async def create() -> Outcome[InsightEvent]:
        nonlocal write
        number = await numbers.new_insight(caller.team_id)
        stream = insight_stream(caller.team_id, number.id)
        command = create_command(body, number)
        write = InsightWrite(store, numbers, caller, stream, command, body.dashboards)
        return await handle_with(store, RULES, stream, write, terms, write.beside)

    outcome = await once(store, terms, create)
    return await insight_answer(outcome, write, store, caller, accounts, joined, status=201)


@patch(
    project_paths("/insights/{insight:str}/"), opt={**WRITE, **writes(WriteInsight, InsightBody)}
)
async def patch_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    joined: NamedDependency[JoinedLookup],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit an insight; answers with it as every later read will show it."""
    body = await read_insight(request)
    stream = insight_stream(caller.team_id, insight_id)
    write = InsightWrite(store, numbers, caller, stream, edit_command(body), body.dashboards)
    outcome = await _edit(store, write, stream, terms)
    return await insight_answer(outcome, write, store, caller, accounts, joined)


@put(project_paths("/insights/{insight:str}/"), opt={**WRITE, **writes(WriteInsight, InsightBody)})
async def put_insight(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    joined: NamedDependency[JoinedLookup],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Replace an insight: what the body does not name gets its default."""
    body = await read_insight(request)
    stream = insight_stream(caller.team_id, insight_id)
    boards = or_default(body.dashboards, ())
    write = InsightWrite(store, numbers, caller, stream, replace_command(body), boards)
    outcome = await _edit(store, write, stream, terms)
    return await insight_answer(outcome, write, store, caller, accounts, joined)


async def _edit(
    store: EventStore, write: InsightWrite, stream: Stream[InsightEvent], terms: Terms
) -> Outcome[InsightEvent]:
    async def edit() -> Outcome[InsightEvent]:
        return await handle_with(store, RULES, stream, write, terms, write.beside)

    return await once(store, terms, edit)


HANDLERS = [create_insight, patch_insight, put_insight]
