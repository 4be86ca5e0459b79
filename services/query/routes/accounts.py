"""Routes that clients call before insights: the user, organizations and projects, the key."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.accounts import (
    KeyBody,
    MeBody,
    MemberBody,
    MemberUser,
    OrganizationBody,
    OrganizationSummary,
    Page,
    ProjectBody,
    ProjectSummary,
)
from contracts.api.times import written
from contracts.events.streams import project_stream
from services.common.accounts.accounts import Accounts, Member, Organization, Project
from services.common.http.caller import AuthenticatedUser, resolve_project
from services.common.http.operations import reads, tells
from services.common.http.organizations import (
    current_or_none,
    organizations_of,
    project_body,
    resolve_organization,
)
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.query.http import as_of, described
from services.query.http.answers import answer, plain
from services.query.http.paging import listed
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.listing import End, Moment

USER = {"scopes": ("user:read",)}
PROJECT = {"scopes": ("project:read",)}
ORGANIZATION = {"scopes": ("organization:read",)}
MEMBERS = {"scopes": ("organization_member:read", "organization:read")}
Listed = ProjectBody | OrganizationBody | MemberBody

_encoder = msgspec.json.Encoder()


@get("/api/users/@me/", opt={**USER, **tells(MeBody)})
async def get_me(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
) -> Response[bytes]:
    """The user whose key it is, with their current project and organization."""
    user, team = person.user, await current_or_none(person, accounts)
    organizations = await organizations_of(person, accounts)
    current = next(
        (each for each in organizations if team and each.id == team.organization_id),
        organizations[0] if organizations else None,
    )
    body = MeBody(
        id=user.id,
        uuid=user.uuid,
        distinct_id=user.distinct_id,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        is_email_verified=user.is_email_verified,
        team=None if team is None else project_body(team),
        organization=None if current is None else await _organization(current, person, accounts),
        organizations=tuple(OrganizationSummary(id=o.id, name=o.name) for o in organizations),
    )
    return plain(request, _encoder.encode(body))


@get("/api/personal_api_keys/@current/", opt={**tells(KeyBody)})
async def get_current_key(
    request: AnyRequest, person: NamedDependency[AuthenticatedUser]
) -> Response[bytes]:
    """The key that asks. Every key may: tools decide by its scopes what they offer."""
    key = person.key
    body = KeyBody(
        id=key.id,
        label=key.label,
        scopes=key.scopes,
        scoped_teams=key.scoped_teams,
        scoped_organizations=key.scoped_organizations,
        created_at=written(key.created_at),
        last_used_at=written(key.last_used_at),
        user_id=key.user_id,
    )
    return plain(request, _encoder.encode(body))


@get("/api/projects/", opt={**PROJECT, **tells(Page[ProjectBody], *described.PAGE)})
async def list_projects(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
) -> Response[bytes]:
    """Every project the key may enter."""
    projects = [
        ((organization.created_at, organization.id, project.id), project_body(project))
        for organization in await organizations_of(person, accounts)
        for project in await _projects(organization, person, accounts)
    ]
    return _page(request, projects, tuple[Moment, UUID, int])


@get(
    ["/api/projects/{project:str}/", "/api/environments/{project:str}/"],
    opt={**PROJECT, **reads(ProjectBody, as_of=True)},
)
async def get_project(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    project: FromPath[str],
) -> Response[bytes]:
    """One project, by number or as `@current`."""
    return await _project(request, reads, await resolve_project(project, person, accounts))


@get("/api/organizations/", opt={**ORGANIZATION, **tells(Page[OrganizationBody], *described.PAGE)})
async def list_organizations(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
) -> Response[bytes]:
    """Every organization the key may enter."""
    found = await organizations_of(person, accounts)
    bodies = [
        ((each.created_at, each.id), await _organization(each, person, accounts)) for each in found
    ]
    return _page(request, bodies, tuple[Moment, UUID])


@get("/api/organizations/{organization:str}/", opt={**ORGANIZATION, **tells(OrganizationBody)})
async def get_organization(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> Response[bytes]:
    """One organization, by UUID or as `@current`."""
    found = await resolve_organization(organization, person, accounts)
    body = await _organization(found, person, accounts)
    return plain(request, _encoder.encode(body))


@get(
    "/api/organizations/{organization:str}/projects/",
    opt={**PROJECT, **tells(Page[ProjectBody], *described.PAGE)},
)
async def list_projects_of(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> Response[bytes]:
    """The organization's projects that the key may enter."""
    found = await resolve_organization(organization, person, accounts)
    projects = await _projects(found, person, accounts)
    return _page(request, [((each.id,), project_body(each)) for each in projects], tuple[int])


@get(
    "/api/organizations/{organization:str}/projects/{project:str}/",
    opt={**PROJECT, **reads(ProjectBody, as_of=True)},
)
async def get_project_of(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
    project: FromPath[str],
) -> Response[bytes]:
    """One project of the organization."""
    home = await resolve_organization(organization, person, accounts)
    found = await resolve_project(project, person, accounts)
    if found.organization_id != home.id:
        raise not_found()
    return await _project(request, reads, found)


@get(
    "/api/organizations/{organization:str}/members/",
    opt={**MEMBERS, **tells(Page[MemberBody], *described.PAGE)},
)
async def list_members(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> Response[bytes]:
    """The members of the organization, the oldest membership first."""
    found = await resolve_organization(organization, person, accounts)
    bodies = [
        ((each.joined_at, each.id), body)
        for each in await accounts.members(found.id)
        if (body := await _member(each, accounts)) is not None
    ]
    return _page(request, bodies, tuple[Moment, UUID])


async def _project(request: AnyRequest, reads: Reads, project: Project) -> Response[bytes]:
    moment = await as_of.asked(request, reads, project, project_stream(project.id))
    fresh = await as_of.fresh(
        request, reads, lambda: reads.projects.one(project.id, as_of.position(moment)), moment
    )
    found = fresh.value
    if found.parked_at is not None:
        raise parked(found.parked_at)
    body = _encoder.encode(project_body(found.project))
    return answer(request, body, fresh, version=found.project.version, moment=moment)


async def _member(member: Member, accounts: Accounts) -> MemberBody | None:
    """None: the user is gone meanwhile."""
    user = await accounts.user(member.user_id)
    if user is None:
        return None
    return MemberBody(
        id=member.id,
        user=MemberUser(
            id=user.id,
            uuid=user.uuid,
            distinct_id=user.distinct_id,
            first_name=user.first_name,
            last_name=user.last_name,
            email=user.email,
        ),
        level=member.level,
        joined_at=written(member.joined_at),
    )


async def _projects(
    organization: Organization, person: AuthenticatedUser, accounts: Accounts
) -> list[Project]:
    return [each for each in await accounts.projects_of(organization.id) if person.may_enter(each)]


async def _organization(
    organization: Organization, person: AuthenticatedUser, accounts: Accounts
) -> OrganizationBody:
    projects = tuple(
        ProjectSummary(
            id=each.id,
            uuid=each.uuid,
            name=each.name,
            api_token=each.api_token,
            timezone=each.timezone,
        )
        for each in await _projects(organization, person, accounts)
    )
    return OrganizationBody(
        id=organization.id,
        name=organization.name,
        created_at=written(organization.created_at),
        membership_level=person.user.memberships[organization.id],
        teams=projects,
        projects=projects,
    )


def _page(
    request: AnyRequest, found: Sequence[tuple[End, Listed]], end: type[End]
) -> Response[bytes]:
    """found: each with what it is ordered by. end: the type of that."""
    return plain(request, _encoder.encode(listed(request, found, end)))


HANDLERS = [
    get_me,
    get_current_key,
    list_projects,
    get_project,
    list_organizations,
    get_organization,
    list_projects_of,
    get_project_of,
    list_members,
]
