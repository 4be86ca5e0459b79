"""Making and changing projects: their name, their timezone, whom their funnels leave out."""

from typing import Any
from zoneinfo import available_timezones

import msgspec
from litestar import MediaType, Request, Response, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET

from contracts.api.accounts import ProjectBody, WriteProject
from services.command.projects import Projects
from services.common.accounts import Accounts, Project
from services.common.body import read
from services.common.caller import Person, resolve_project
from services.common.operations import does
from services.common.organizations import project_body, resolve_organization
from services.common.problems import forbidden, invalid

WRITE = {"scopes": ("project:write",)}
AnyRequest = Request[Any, Any, State]


@post(
    "/api/organizations/{organization:str}/projects/",
    opt={**WRITE, **does(WriteProject, ProjectBody, status=201, required=True)},
    status_code=201,
)
async def create_project(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    projects: NamedDependency[Projects],
    person: NamedDependency[Person],
    organization: FromPath[str],
) -> Response[bytes]:
    """A new project with an API token of its own."""
    body = await _read(request)
    if body.name is UNSET:
        raise invalid("name", "required", "This field is required.")
    found = await resolve_organization(organization, person, accounts)
    if not person.user.is_administrator(found.id) or person.key.scoped_teams:
        raise forbidden("Only administrators of the organization make projects.")
    return _answer(await projects.create(found.id, body.name, body), 201)


@patch(
    ["/api/projects/{project:str}/", "/api/environments/{project:str}/"],
    opt={**WRITE, **does(WriteProject, ProjectBody)},
)
async def patch_project(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    projects: NamedDependency[Projects],
    person: NamedDependency[Person],
    project: FromPath[str],
) -> Response[bytes]:
    """Change what the body names."""
    body = await _read(request)
    found = await resolve_project(project, person, accounts)
    if not person.user.is_administrator(found.organization_id):
        raise forbidden("Only administrators of the organization change projects.")
    return _answer(await projects.change(found, body), 200)


async def _read(request: AnyRequest) -> WriteProject:
    body = await read(request, WriteProject)
    if body.timezone is not UNSET and body.timezone not in available_timezones():
        raise invalid("timezone", "invalid_choice", f'"{body.timezone}" is not a valid choice.')
    return body


def _answer(project: Project, status: int) -> Response[bytes]:
    return Response(
        msgspec.json.encode(project_body(project)), status_code=status, media_type=MediaType.JSON
    )


HANDLERS = [create_project, patch_project]
