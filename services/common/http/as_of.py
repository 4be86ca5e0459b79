"""`as_of`: the moment whose state a read shows. It is never silently ignored."""

from services.common.http.problems import Problem, Rejected
from services.common.http.request import AnyRequest

AS_OF = "as_of"
"""The parameter, and the name under which a route says in its `opt` that it honours it."""


def unsupported() -> Rejected:
    """400: this shows the present alone."""
    return Rejected(
        400,
        Problem(
            type="invalid_request",
            code="as_of_unsupported",
            detail="This can't be asked as of another moment.",
            attr=AS_OF,
        ),
    )


def check_as_of(request: AnyRequest) -> None:
    """Raises Rejected 400 where the parameter is sent to what does not honour it."""
    if request.scope["query_string"] and not request.route_handler.opt.get(AS_OF):
        refuse_as_of(request)


def refuse_as_of(request: AnyRequest) -> None:
    """Raises Rejected 400 where the parameter is sent."""
    if AS_OF in request.query_params:
        raise unsupported()
