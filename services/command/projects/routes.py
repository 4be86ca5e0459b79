"""Making and changing projects: their name, their timezone, whom their funnels leave out."""

from litestar import Response, patch, post
from litestar.di import NamedDependency

from contracts.api.accounts import ProjectBody, WriteProject
from contracts.headers import IDEMPOTENCY_KEY, INSIGHTS_POSITION
from services.command.handle import Terms
from services.command.projects.service import Projects
from services.command.projects.translation import checked, name_of
from services.command.terms import receipt_of
from services.common.http.caller import AuthenticatedUser
from services.common.http.operations import HEADERS, does, plannable, writes
from services.common.http.request import AnyRequest

WRITE = {"scopes": ("project:write",)}
MAKE = does(
    None,
    ProjectBody,
    HEADERS[IDEMPOTENCY_KEY],
    status=201,
    required=True,
    errors=(422,),
    headers=("ETag", INSIGHTS_POSITION),
)


@post(
    ["/api/projects/", "/api/organizations/{organization:str}/projects/"],
    opt={**WRITE, **MAKE},
    status_code=201,
)
async def create_project(
    request: AnyRequest,
    projects: NamedDependency[Projects],
    person: NamedDependency[AuthenticatedUser],
    sent: NamedDependency[WriteProject],
) -> Response[bytes]:
    """A new project with an API token of its own, in the organization named or the current one."""
    name_of(checked(sent))
    reference = request.path_params.get("organization", "@current")
    organization = await projects.organization(reference, person)
    receipt = await receipt_of(request, str(organization.id))
    return await projects.create(person, organization.id, sent, receipt)


@patch(
    ["/api/projects/{project:str}/", "/api/environments/{project:str}/"],
    opt={**WRITE, **plannable(writes(ProjectBody))},
)
async def patch_project(
    projects: NamedDependency[Projects],
    sent: NamedDependency[WriteProject],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Change what the body names."""
    outcome = await projects.change(sent, terms)
    return await projects.answer(outcome, terms.caller.project)


HANDLERS = [create_project, patch_project]
