"""The caller of a request: the user, the project, the rights of the key, and the operation id."""

from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.types import Scope

from contracts.events.recorded import UserActor
from contracts.reads import UserReader
from contracts.references import number_in
from services.common import tracing
from services.common.accounts.accounts import Accounts, ApiKey, Project, User
from services.common.http import log_context
from services.common.http.body import as_json
from services.common.http.limits import RequestLimits
from services.common.http.observed import correlation_of, is_traced
from services.common.http.problems import (
    Rejected,
    forbidden,
    not_found,
    share_refused,
    unauthenticated,
)
from services.common.http.read_notes import ReadNote, noted
from services.common.http.request import AnyRequest

KEYS = "personal_api_key"
OWNER = 15
SHARING_TOKEN = "sharing_access_token"  # noqa: S105 - the parameter's name
_ONLY_LOOKS = "Sharing access token can only be used for GET requests."


class AuthenticatedUser(msgspec.Struct, frozen=True):
    """An authenticated user and the key that proves it; no project yet."""

    user: User
    key: ApiKey

    def may_enter(self, project: Project) -> bool:
        """Member of its organization, and not kept out by the key's limits."""
        key = self.key
        return (
            project.organization_id in self.user.memberships
            and (not key.scoped_teams or project.id in key.scoped_teams)
            and (
                not key.scoped_organizations or project.organization_id in key.scoped_organizations
            )
        )


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A user at work in one project.

    operation_id: one per command, shared by all facts it leads to.
    """

    user: User
    key: ApiKey
    project: Project
    operation_id: UUID
    correlation_id: UUID

    @property
    def team_id(self) -> int:
        return self.project.id

    @property
    def actor(self) -> UserActor:
        return UserActor(self.user.id, self.key.id)

    @property
    def is_administrator(self) -> bool:
        return self.user.is_administrator(self.project.organization_id)


async def authenticate(request: AnyRequest, accounts: Accounts) -> AuthenticatedUser:
    """The user of the personal API key, checked against the scopes that the route asks for: one of
    its `scopes`, and all of its `also_scopes`.

    The key is looked for in the Authorization header, then the body, then the query; only the first
    found is tried. Raises Rejected: 401 without a live key, 403 without the scope.
    """
    if SHARING_TOKEN in request.query_params:
        # A share's token makes its sender a visitor: this is not a route for one.
        raise share_refused() if request.method in ("GET", "HEAD") else share_refused(_ONLY_LOOKS)
    found = await _find_key(request)
    if found is None:
        raise unauthenticated("not_authenticated", "Authentication credentials were not provided.")
    text, source = found
    key = await accounts.key(text)
    user = await accounts.user(key.user_id) if key else None
    if key is None or user is None:
        raise unauthenticated(
            "authentication_failed", f"Personal API key found in request {source} is invalid."
        )
    person = note_person(request, user, key)
    scopes: tuple[str, ...] = request.route_handler.opt.get("scopes", ())
    if scopes and not any(key.allows(scope) for scope in scopes):
        raise _missing(scopes[0])
    for scope in request.route_handler.opt.get("also_scopes", ()):
        if not key.allows(scope):
            raise _missing(scope)
    await accounts.used(text, key)
    return person


def note_person(request: AnyRequest, user: User, key: ApiKey) -> AuthenticatedUser:
    """For the trail of reads: what they ask for may be refused yet."""
    person = AuthenticatedUser(user, key)
    note = noted(request.scope)
    note.person = person
    note.reader = UserReader(user_id=user.id, key_id=key.id)
    return person


def require_scope(key: ApiKey, scope: str) -> None:
    """Raises Rejected 403."""
    if not key.allows(scope):
        raise _missing(scope)


def _missing(scope: str) -> Rejected:
    return forbidden(f"API key missing required scope '{scope}'")


async def provide_person(
    request: AnyRequest, accounts: NamedDependency[Accounts]
) -> AuthenticatedUser:
    person = await authenticate(request, accounts)
    await _spend(request, person.key, None)
    return person


async def provide_caller(request: AnyRequest, accounts: NamedDependency[Accounts]) -> Caller:
    """The caller in the project that the path names, or in their current one.

    Raises Rejected as `authenticate` does; 404: no such project; 403: somebody else's; 429: the
    budget of the key or the project is spent.
    """
    return await in_project(request, await authenticate(request, accounts), accounts)


async def in_project(request: AnyRequest, person: AuthenticatedUser, accounts: Accounts) -> Caller:
    """The person at work in the project that the path names. Raises Rejected 403, 404, 429."""
    reference = request.path_params.get("project", "@current")
    project = await resolve_project(reference, person, accounts)
    await _spend(request, person.key, project)
    correlation = correlation_of(request.scope)
    operation = tracing.operation_id(correlation if is_traced(request.scope) else None)
    log_context.bind(operation, correlation, project.id)
    note = noted(request.scope)
    note.team_id, note.correlation_id = project.id, correlation
    return Caller(
        user=person.user,
        key=person.key,
        project=project,
        operation_id=operation,
        correlation_id=correlation,
    )


async def project_of_refused(scope: Scope, note: ReadNote, accounts: Accounts) -> int | None:
    """The project that an authenticated user was kept out of, by the key's scopes or limits, or
    by not being a member; None when there is no such project.
    """
    if "organization" in scope["path_params"]:
        return None
    person: AuthenticatedUser = note.person
    reference = scope["path_params"].get("project", "@current")
    number = number_in(reference)
    if number is not None:
        return None if await accounts.project(number) is None else number
    try:
        return (await resolve_project(reference, person, accounts)).id
    except Rejected:
        return None


def require_administrator(caller: Caller) -> None:
    """Administrator or owner: whoever reads all facts sees every insight. Raises Rejected 403."""
    if not caller.is_administrator:
        raise forbidden("Only administrators of the organization may.")


def require_owner(caller: Caller) -> None:
    """Raises Rejected 403."""
    if caller.user.memberships.get(caller.project.organization_id, 0) < OWNER:
        raise forbidden("Only owners of the organization may.")


async def _spend(request: AnyRequest, key: ApiKey, project: Project | None) -> None:
    limits: RequestLimits | None = request.app.state.limits
    if limits is not None:
        await limits.spend(request, key.id, project.id if project else None)


async def resolve_project(reference: str, person: AuthenticatedUser, accounts: Accounts) -> Project:
    """`@current` or a number."""
    if reference == "@current":
        return await current_project(person, accounts)
    project_id = number_in(reference)
    project = None if project_id is None else await accounts.project(project_id)
    if project is None:
        raise not_found("Project not found.")
    if not person.may_enter(project):
        raise forbidden("You don't have access to the project.")
    return project


async def current_project(person: AuthenticatedUser, accounts: Accounts) -> Project:
    """The user's current project if the key may enter it, else the first that it may."""
    if person.user.current_team_id is not None:
        current = await accounts.project(person.user.current_team_id)
        if current is not None and person.may_enter(current):
            return current
    for organization_id in sorted(person.user.memberships):
        for project in await accounts.projects_of(organization_id):
            if person.may_enter(project):
                return project
    raise not_found("Project not found.")


async def _find_key(request: AnyRequest) -> tuple[str, str] | None:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip(), "Authorization header"
    if request.method in ("POST", "PUT", "PATCH") and (text := await _key_in_body(request)):
        return text, "body"
    if text := request.query_params.get(KEYS):
        return text, "query string"
    return None


class _BodyWithKey(msgspec.Struct, frozen=True):
    personal_api_key: str | None = None


async def _key_in_body(request: AnyRequest) -> str | None:
    """A body that can't be read says nothing about keys; its own reader will complain."""
    try:
        return msgspec.json.decode(await as_json(request), type=_BodyWithKey).personal_api_key
    except (Rejected, msgspec.DecodeError):
        return None
