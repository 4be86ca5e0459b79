"""The answers to cursors that do not fit the log."""

from collections.abc import Mapping

from litestar import Response

from contracts.cursors import MalformedCursor, link_text
from services.common.http import problems
from services.common.http.problems import Answering, Problem
from services.common.http.request import AnyRequest
from services.common.log.cursors import CursorAhead, CursorElsewhere, CursorGone


def on_malformed(request: AnyRequest, error: MalformedCursor) -> Response[bytes]:
    return problems.on_rejected(request, problems.invalid("after", "invalid_input", str(error)))


def on_ahead(_: AnyRequest, error: CursorAhead) -> Response[bytes]:
    return problems.answer(
        409,
        Problem(
            type="invalid_request",
            code="cursor_ahead",
            detail="The cursor is beyond the head: this log is an older copy of the one it is of.",
            attr="after",
        ),
        more={"head": link_text(error.head)},
    )


def on_elsewhere(_: AnyRequest, error: CursorElsewhere) -> Response[bytes]:
    return problems.answer(
        409,
        Problem(
            type="invalid_request",
            code="cursor_elsewhere",
            detail="There is another entry at this place: the history has been forked."
            " Stop, and ask a person.",
            attr="after",
        ),
        more={"sequence": error.link.team_seq, "hash": error.link.hash.hex()},
    )


def on_gone(request: AnyRequest, error: CursorGone) -> Response[bytes]:
    project, url = request.path_params.get("project", "@current"), request.url
    pull = f"{url.scheme}://{url.netloc}/api/projects/{project}/facts/?after={error.after}"
    return problems.answer(
        410,
        Problem(
            type="invalid_request",
            code="gone",
            detail="What follows the cursor is not kept here any more: pull it.",
            attr="after",
        ),
        more={"first": link_text(error.first), "pull": pull},
    )


CURSOR_ERRORS: Mapping[type[Exception], Answering] = {
    MalformedCursor: on_malformed,
    CursorAhead: on_ahead,
    CursorElsewhere: on_elsewhere,
    CursorGone: on_gone,
}
