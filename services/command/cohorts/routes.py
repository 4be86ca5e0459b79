"""Creating and editing cohorts."""

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.cohorts import CohortBody, WriteCohort
from services.command.cohorts.service import Cohorts
from services.command.handle import Terms
from services.common.http.operations import plannable, writes
from services.common.http.paths import EDITS, number_in_path, project_paths

WRITE = {"scopes": ("cohort:write",)}


@post(
    project_paths("/cohorts/"),
    opt={**WRITE, **plannable(writes(CohortBody, status=201))},
    status_code=201,
)
async def create_cohort(
    cohorts: NamedDependency[Cohorts],
    sent: NamedDependency[WriteCohort],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Create a cohort: a list of people, or all that its filters fit at any time."""
    outcome = await cohorts.create(sent, terms)
    return await cohorts.answer(outcome, status=201)


@route(
    project_paths("/cohorts/{cohort:str}/"),
    http_method=EDITS,
    opt={**WRITE, **plannable(writes(CohortBody))},
)
async def edit_cohort(
    cohorts: NamedDependency[Cohorts],
    cohort: FromPath[str],
    sent: NamedDependency[WriteCohort],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Edit a cohort; people that are named come into a static one besides."""
    outcome = await cohorts.edit(number_in_path(cohort), sent, terms)
    return await cohorts.answer(outcome)


HANDLERS = [create_cohort, edit_cohort]
