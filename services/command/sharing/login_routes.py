"""Opening a shared insight with its password."""

import msgspec
from litestar import MediaType, Response, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.shared import SharedProblem, Unlock, Unlocked
from services.command.sharing.logins import ShareLogins
from services.command.tries import TooOften
from services.common.http.operations import AnswerDescription, RouteDescription, described
from services.common.http.request import AnyRequest
from services.common.http.share_session import COOKIE, LIFETIME_SECONDS

PUBLIC = {"public": True}
UNLOCKS = described(
    RouteDescription(
        answers={
            200: AnswerDescription(kind=Unlocked),
            303: AnswerDescription(),
            **{status: AnswerDescription(kind=SharedProblem) for status in (401, 404, 429)},
        },
        body_required=True,
    )
)


@post(["/shared/{token:str}", "/embedded/{token:str}"], opt={**PUBLIC, **UNLOCKS}, status_code=200)
async def unlock(
    request: AnyRequest,
    token: FromPath[str],
    share_logins: NamedDependency[ShareLogins],
    sent: NamedDependency[Unlock],
) -> Response[bytes]:
    """Programs get {"shareToken"}; a browser's form is sent back to the page, which then opens."""
    from_form = "text/html" in request.headers.get("accept", "")
    share = await share_logins.find(token)
    if share is None:
        return _refused(404, "Not found.")
    try:
        password_id = await share_logins.attempt(share, sent.password)
    except TooOften as throttled:
        if from_form:
            return _back(request, "often")
        refused = _refused(429, "Too many wrong passwords. Try again later.")
        refused.headers["Retry-After"] = str(throttled.retry_after_seconds)
        return refused
    if password_id is None:
        return _back(request, "password") if from_form else _refused(401, "Incorrect password.")
    session = share_logins.session(share, password_id)
    opened = (
        _back(request, None)
        if from_form
        else Response(msgspec.json.encode(Unlocked(session)), media_type=MediaType.JSON)
    )
    opened.set_cookie(_cookie(request, session))
    return opened


def _cookie(request: AnyRequest, session: str) -> Cookie:
    """For this one path. A page that other sites frame needs a cookie that is secure."""
    secure = request.url.scheme == "https"
    return Cookie(
        key=COOKIE,
        value=session,
        path=request.url.path.rstrip("/"),
        max_age=LIFETIME_SECONDS,
        httponly=True,
        secure=secure,
        samesite="none" if secure and request.url.path.startswith("/embedded/") else "lax",
    )


def _back(request: AnyRequest, wrong: str | None) -> Response[bytes]:
    """See other: the page itself, so that a reload does not send the password again."""
    location = request.url.path if wrong is None else f"{request.url.path}?wrong={wrong}"
    return Response(b"", status_code=303, headers={"Location": location})


def _refused(status: int, error: str) -> Response[bytes]:
    return Response(
        msgspec.json.encode({"error": error}), status_code=status, media_type=MediaType.JSON
    )


HANDLERS = [unlock]
