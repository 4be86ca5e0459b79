"""Making and changing projects: their name, their timezone, whom their funnels leave out."""

from zoneinfo import available_timezones

from litestar import Response, patch, post
from litestar.di import NamedDependency
from msgspec import UNSET

from contracts.api.accounts import ProjectBody, WriteProject
from contracts.headers import IDEMPOTENCY_KEY, INSIGHTS_POSITION
from services.command.handle import Terms, once
from services.command.projects.translation import Projects
from services.command.terms import receipt_of
from services.common.accounts.accounts import Accounts
from services.common.http.body import read
from services.common.http.caller import Caller, Person
from services.common.http.operations import HEADERS, does, writes
from services.common.http.organizations import resolve_organization
from services.common.http.problems import forbidden, invalid
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("project:write",)}
MAKE = does(
    WriteProject,
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
    accounts: NamedDependency[Accounts],
    projects: NamedDependency[Projects],
    person: NamedDependency[Person],
) -> Response[bytes]:
    """A new project with an API token of its own, in the organization named or the current one."""
    body = await _read(request)
    if body.name is UNSET:
        raise invalid("name", "required", "This field is required.")
    organization = request.path_params.get("organization", "@current")
    found = await resolve_organization(organization, person, accounts)
    if not person.user.is_administrator(found.id) or person.key.scoped_teams:
        raise forbidden("Only administrators of the organization make projects.")
    receipt = await receipt_of(request, str(found.id))
    return await projects.create(person, found.id, body.name, body, receipt)


@patch(
    ["/api/projects/{project:str}/", "/api/environments/{project:str}/"],
    opt={**WRITE, **writes(WriteProject, ProjectBody)},
)
async def patch_project(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    projects: NamedDependency[Projects],
    caller: NamedDependency[Caller],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Change what the body names."""
    body = await _read(request)
    if not caller.is_administrator:
        raise forbidden("Only administrators of the organization change projects.")
    outcome = await once(store, terms, lambda: projects.change(body, terms))
    return await projects.answer(outcome, caller.project)


async def _read(request: AnyRequest) -> WriteProject:
    body = await read(request, WriteProject)
    if body.timezone is not UNSET and body.timezone not in available_timezones():
        raise invalid("timezone", "invalid_choice", f'"{body.timezone}" is not a valid choice.')
    return body


HANDLERS = [create_project, patch_project]
