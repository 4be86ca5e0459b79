"""A page as an answer; a refusal as one, too."""

from collections.abc import Mapping
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest
from services.common.pages.frame import HEADERS, Pages

_TITLES = {403: "Not for you", 404: "Not here"}
_pages = Pages("services.common.pages")


def page_answer(
    page: str, status: int = 200, headers: Mapping[str, str] = HEADERS
) -> Response[bytes]:
    return Response(page.encode(), status_code=status, media_type="text/html", headers=headers)


def _problem(_: AnyRequest, refused: Any) -> Response[bytes]:
    status, detail = 400, "This can't be read."
    if isinstance(refused, Rejected):
        status, detail = refused.status, refused.problem.detail
    title = _TITLES.get(status, "That did not work")
    page = _pages.rendered("problem.html", project=None, title=title, detail=detail)
    return page_answer(page, status)


PROBLEMS: ExceptionHandlersMap = {Rejected: _problem, HTTPException: _problem}
