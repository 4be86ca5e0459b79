"""The way in to a project's pages: a key, or a link that opens them once. And the way out."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from services.command.pages.logins import PageLogins
from services.command.pages.rendering import rendered
from services.command.tries import TooOften
from services.common.http.operations import LEFT_OUT
from services.common.http.page_callers import LOGIN, from_elsewhere
from services.common.http.page_session import COOKIE, LIFETIME_SECONDS, PageSessions
from services.common.http.proxies import address_of
from services.common.http.request import AnyRequest
from services.common.pages.answers import page_answer

OPT = {"public": True, **LEFT_OUT}
_WRONG = {
    "key": "That is not a key that is valid here.",
    "link": "This link has been used, or has run out.",
    "from": "That came from another site.",
}
_OFTEN = "Too many wrong keys came from where you are. Try again in two minutes."


class SignIn(msgspec.Struct, frozen=True):
    """A form with one of the two."""

    key: str = ""
    link: str = ""


@get(LOGIN, opt=OPT, sync_to_thread=False)
def ask(request: AnyRequest) -> Response[bytes]:
    """A form: a link that came by mail is used up by a button, not by whoever looks at mails."""
    link, wrong = (request.query_params.get(name, "") for name in ("link", "wrong"))
    return page_answer(_form(link, _WRONG.get(wrong, "")))


@post(LOGIN, opt=OPT, status_code=303)
async def sign_in(
    request: AnyRequest,
    page_logins: NamedDependency[PageLogins],
    page_sessions: NamedDependency[PageSessions],
    sent: NamedDependency[SignIn],
) -> Response[bytes]:
    """To the project's insights, with a cookie; back to the form without."""
    if from_elsewhere(request):
        return _to(f"{LOGIN}?wrong=from")
    address = address_of(request)
    try:
        if sent.link:
            session = await page_logins.with_link(sent.link, address)
        else:
            session = await page_logins.with_key(sent.key.strip(), address)
    except TooOften as throttled:
        refused = page_answer(_form(sent.link, _OFTEN), 429)
        refused.headers["Retry-After"] = str(throttled.retry_after_seconds)
        return refused
    if session is None:
        return _to(f"{LOGIN}?wrong={'link' if sent.link else 'key'}")
    answer = _to(f"/projects/{session.team_id}/")
    answer.set_cookie(_cookie(request, page_sessions.sign(session), LIFETIME_SECONDS))
    return answer


@post("/logout/", opt=OPT, status_code=303)
async def sign_out(
    request: AnyRequest,
    page_logins: NamedDependency[PageLogins],
    page_sessions: NamedDependency[PageSessions],
) -> Response[bytes]:
    """The cookie is gone, and the key if it was made for a link; any other key stays."""
    if from_elsewhere(request):
        return _to(f"{LOGIN}?wrong=from")
    session = page_sessions.check(request.cookies.get(COOKIE))
    if session is not None:
        await page_logins.end(session)
    answer = _to(LOGIN)
    answer.set_cookie(_cookie(request, "", 0))
    return answer


def _form(link: str, wrong: str) -> str:
    return rendered("login.html", project=None, link=link, wrong=wrong)


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
