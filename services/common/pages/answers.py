"""A page as an answer; a refusal as one, too, with what to do about it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from psycopg import InterfaceError, OperationalError

from services.common.accounts.accounts import Project
from services.common.http import problems
from services.common.http.problems import Problem, Rejected
from services.common.http.request import AnyRequest
from services.common.pages.frame import HEADERS, Pages

_TITLES = {
    403: "Not for you",
    404: "Not here",
    412: "Something has changed since you looked",
    503: "Not now",
}
_ADVICE = {
    403: "Sign in with a key that may, or ask whoever manages it for the right to.",
    404: "The address may be misspelled, or of another project.",
    412: "Nothing was done. Look at what would change now, and decide anew.",
    429: "Wait a little, then load this page again.",
    503: "Load this page again in a moment.",
}
_UNREADABLE = Problem(type="invalid_request", code="invalid_input", detail="This can't be read.")
_pages = Pages("services.common.pages")


class Way(msgspec.Struct, frozen=True):
    """A link that leads on from here."""

    words: str
    to: str


def page_answer(
    page: str, status: int = 200, headers: Mapping[str, str] = HEADERS
) -> Response[bytes]:
    return Response(page.encode(), status_code=status, media_type="text/html", headers=headers)


def problem_answer(
    refused: Rejected, *ways: Way, project: Project | None = None
) -> Response[bytes]:
    """ways: on from here, before the one to the insights."""
    status = refused.status
    page = _pages.rendered(
        "problem.html",
        project=project,
        title=_TITLES.get(status, "That did not work"),
        detail=refused.problem.detail,
        advice=_ADVICE.get(status),
        ways=ways,
    )
    return page_answer(page, status, {**refused.headers, **HEADERS})


def _on_rejected(_: AnyRequest, refused: Rejected) -> Response[bytes]:
    return problem_answer(refused)


def _on_http(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    return problem_answer(Rejected(400, _UNREADABLE))


def _on_outage(request: AnyRequest, error: Exception) -> Response[bytes]:
    problems.on_outage(request, error)
    return problem_answer(problems.unavailable("The database can't be reached."))


def _on_defect(request: AnyRequest, error: Exception) -> Response[bytes]:
    problems.on_defect(request, error)
    return problem_answer(Rejected(500, problems.DEFECT))


PROBLEMS: ExceptionHandlersMap = {
    Rejected: _on_rejected,
    HTTPException: _on_http,
    OperationalError: _on_outage,
    InterfaceError: _on_outage,
    Exception: _on_defect,
}


def pages_of(refusals: problems.Refusals) -> ExceptionHandlersMap:
    """PROBLEMS, and a service's own refusals."""

    def page(refused: Rejected) -> Any:
        return lambda _, __: problem_answer(refused)

    own: ExceptionHandlersMap = {
        kind: page(Rejected(*refusal)) for kind, refusal in refusals.items()
    }
    return {**PROBLEMS, **own}
