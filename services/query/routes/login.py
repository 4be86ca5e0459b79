"""The way in to a project's pages: a key, or a link that opens them once."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from services.common.accounts.accounts import Accounts, ApiKey
from services.common.accounts.login_links import take
from services.common.http.caller import AuthenticatedUser, current_project
from services.common.http.operations import LEFT_OUT
from services.common.http.page_session import COOKIE, LIFETIME_SECONDS, PageSession, PageSessions
from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest
from services.query.http.page_callers import LOGIN
from services.query.pages.answers import page_answer
from services.query.pages.rendering import rendered
from services.query.reads.all import Reads

OPT = {"public": True, **LEFT_OUT}
_WRONG = {
    "key": "That is not a key that is valid here.",
    "link": "This link has been used, or has run out.",
    "from": "That came from another site.",
}


class SignIn(msgspec.Struct, frozen=True):
    """A form with one of the two."""

    key: str = ""
    link: str = ""


@get(LOGIN, opt=OPT, sync_to_thread=False)
def ask(request: AnyRequest) -> Response[bytes]:
    """A form: a link that came by mail is used up by a button, not by whoever looks at mails."""
    page = rendered(
        "login.html",
        project=None,
        link=request.query_params.get("link", ""),
        wrong=_WRONG.get(request.query_params.get("wrong", "")),
    )
    return page_answer(page)


@post(LOGIN, opt=OPT, status_code=303)
async def sign_in(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    page_sessions: NamedDependency[PageSessions],
    reads: NamedDependency[Reads],
    sent: NamedDependency[SignIn],
) -> Response[bytes]:
    """To the project's insights, with a cookie; back to the form without."""
    if from_elsewhere(request):
        return _to(f"{LOGIN}?wrong=from")
    if sent.link:
        link = await take(reads.pool, sent.link)
        session = None if link is None else PageSession(link.key_id, link.team_id)
    else:
        session = await _with_key(await accounts.key(sent.key.strip()), accounts)
    if session is None:
        return _to(f"{LOGIN}?wrong={'link' if sent.link else 'key'}")
    answer = _to(f"/projects/{session.team_id}/")
    answer.set_cookie(_cookie(request, page_sessions.sign(session), LIFETIME_SECONDS))
    return answer


@post("/logout/", opt=OPT, status_code=303, sync_to_thread=False)
def sign_out(request: AnyRequest) -> Response[bytes]:
    """The cookie is gone; the key stays."""
    if from_elsewhere(request):
        return _to(f"{LOGIN}?wrong=from")
    answer = _to(LOGIN)
    answer.set_cookie(_cookie(request, "", 0))
    return answer


def from_elsewhere(request: AnyRequest) -> bool:
    """Whether a browser says that another site's page sent this."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


async def _with_key(key: ApiKey | None, accounts: Accounts) -> PageSession | None:
    user = None if key is None else await accounts.user(key.user_id)
    if key is None or user is None:
        return None
    try:
        project = await current_project(AuthenticatedUser(user, key), accounts)
    except Rejected:
        return None
    return PageSession(key.id, project.id)


def _cookie(request: AnyRequest, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=seconds,
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="strict",
    )


def _to(location: str) -> Response[bytes]:
    headers: dict[str, Any] = {"Location": location, "Cache-Control": "no-store"}
    return Response(b"", status_code=303, headers=headers)


HANDLERS = [ask, sign_in, sign_out]
