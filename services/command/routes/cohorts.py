"""Creating and editing cohorts."""

from typing import Any

from litestar import Request, Response, post, route
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortBody, WriteCohort
from services.command.cohorts import (
    RULES,
    cohort_answer,
    cohort_stream,
    create_command,
    edit_command,
    people,
    read_cohort,
)
from services.command.handle import Terms, handle, replayed
from services.command.numbers import Numbers
from services.common.accounts import Accounts
from services.common.caller import Caller
from services.common.operations import writes
from services.common.paths import EDITS, number_in_path, project_paths
from services.common.store import EventStore

WRITE = {"scopes": ("cohort:write",)}
AnyRequest = Request[Any, Any, State]


@post(
    project_paths("/cohorts/"),
    opt={**WRITE, **writes(WriteCohort, CohortBody, status=201)},
    status_code=201,
)
async def create_cohort(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create a cohort: a list of people, or whoever its filters fit at any time."""
    body = await read_cohort(request)
    outcome = await replayed(store, terms)
    if outcome is None:
        who = await people(body, caller.team_id, numbers)
        number = await numbers.new_cohort(caller.team_id)
        stream = cohort_stream(caller.team_id, number)
        outcome = await handle(store, RULES, stream, create_command(body, number, who), terms)
    return await cohort_answer(outcome, accounts, status=201)


@route(
    project_paths("/cohorts/{cohort:str}/"),
    http_method=EDITS,
    opt={**WRITE, **writes(WriteCohort, CohortBody)},
)
async def edit_cohort(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    cohort: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit a cohort; people that are named come into a static one besides."""
    number = number_in_path(cohort)
    body = await read_cohort(request, number)
    outcome = await replayed(store, terms)
    if outcome is None:
        command = edit_command(body, await people(body, caller.team_id, numbers))
        stream = cohort_stream(caller.team_id, number)
        outcome = await handle(store, RULES, stream, command, terms)
    return await cohort_answer(outcome, accounts)


HANDLERS = [create_cohort, edit_cohort]
