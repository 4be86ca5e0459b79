"""Who looks at a page: the key that their cookie names, checked anew each time."""

import hmac

from litestar import Response
from litestar.di import NamedDependency

from services.common.accounts.accounts import Accounts
from services.common.http.caller import (
    AuthenticatedUser,
    Caller,
    in_project,
    note_person,
    require_scope,
)
from services.common.http.page_session import COOKIE, PageSession, PageSessions
from services.common.http.problems import forbidden
from services.common.http.request import AnyRequest

LOGIN = "/login/"


class SignedOut(Exception):
    """No cookie of a living session."""


async def provide_page_caller(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    page_sessions: NamedDependency[PageSessions],
) -> Caller:
    """The caller in the project of the path; `@current` is the one that was signed in to.

    Raises SignedOut; Rejected as `provide_caller` does.
    """
    session, person = await page_person(request, accounts, page_sessions)
    if request.path_params.get("project") == "@current":
        request.path_params["project"] = str(session.team_id)
    return await in_project(request, person, accounts)


async def page_person(
    request: AnyRequest, accounts: Accounts, page_sessions: PageSessions
) -> tuple[PageSession, AuthenticatedUser]:
    """Raises SignedOut; Rejected 403 when the key lacks a scope of the route's."""
    session = page_sessions.check(request.cookies.get(COOKIE))
    key = None if session is None else await accounts.key_by_id(session.key_id)
    user = None if key is None else await accounts.user(key.user_id)
    if session is None or key is None or user is None:
        raise SignedOut
    person = note_person(request, user, key)
    for scope in request.route_handler.opt.get("scopes", ()):
        require_scope(key, scope)
    return session, person


def form_token(request: AnyRequest) -> str:
    """What the forms of this session's pages bring back."""
    sessions: PageSessions = request.app.state.page_sessions
    return sessions.form_token(request.cookies.get(COOKIE, ""))


def require_own_form(request: AnyRequest, token: str) -> None:
    """Raises Rejected 403 for a form that no page of this session had."""
    own = hmac.compare_digest(form_token(request).encode(), token.encode())
    if from_elsewhere(request) or not own:
        raise forbidden("This form is not of a page that you have open: load that page again.")


def from_elsewhere(request: AnyRequest) -> bool:
    """Whether a browser says that another site's page sent this."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def to_login(_: AnyRequest, __: Exception) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"Location": LOGIN})
