"""Creating and editing cohorts."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortBody, WriteCohort
from contracts.events.cohort import CohortEvent
from contracts.events.streams import cohort_stream
from services.command.cohorts.loops import without_loops
from services.command.cohorts.translation import (
    RULES,
    cohort_answer,
    create_command,
    edit_command,
    people,
    read_cohort,
)
from services.command.handle import Outcome, Terms, handle_with, once
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import EDITS, number_in_path, project_paths
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("cohort:write",)}


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

    async def create() -> Outcome[CohortEvent]:
        who = await people(body, caller.team_id, numbers)
        number = await numbers.new_cohort(caller.team_id)
        stream = cohort_stream(caller.team_id, number)
        ready = without_loops(store, stream, create_command(body, number, who))
        return await handle_with(store, RULES, stream, ready, terms)

    outcome = await once(store, terms, create)
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
    body = await read_cohort(request)

    async def edit() -> Outcome[CohortEvent]:
        command = edit_command(body, await people(body, caller.team_id, numbers))
        stream = cohort_stream(caller.team_id, number)
        ready = without_loops(store, stream, command)
        return await handle_with(store, RULES, stream, ready, terms)

    outcome = await once(store, terms, edit)
    return await cohort_answer(outcome, accounts)


HANDLERS = [create_cohort, edit_cohort]
