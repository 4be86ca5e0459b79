"""A page as an answer; a refusal as one, too."""

from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest
from services.query.pages.rendering import HEADERS, LIVE_HEADERS, rendered

_TITLES = {403: "Not for you", 404: "Not here"}


def page_answer(page: str, status: int = 200, *, live: bool = False) -> Response[bytes]:
    """live: the page has the script."""
    headers = LIVE_HEADERS if live else HEADERS
    return Response(page.encode(), status_code=status, media_type="text/html", headers=headers)


def _problem(_: AnyRequest, refused: Any) -> Response[bytes]:
    status, detail = 400, "This can't be read."
    if isinstance(refused, Rejected):
        status, detail = refused.status, refused.problem.detail
    title = _TITLES.get(status, "That did not work")
    return page_answer(rendered("problem.html", project=None, title=title, detail=detail), status)


PROBLEMS: ExceptionHandlersMap = {Rejected: _problem, HTTPException: _problem}
