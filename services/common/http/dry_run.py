"""`dry_run=true`: a command is tried, and nothing is appended. It is never silently ignored."""

from services.common.http.problems import Problem, Rejected, invalid
from services.common.http.request import AnyRequest

DRY_RUN = "dry_run"
"""The parameter, and the name under which a route says in its `opt` that it honours it."""

_COMMANDS = ("POST", "PATCH", "PUT", "DELETE")


def check_dry_run(request: AnyRequest) -> None:
    """Raises Rejected 400 where the parameter is sent to a command that can't be tried."""
    if not request.scope["query_string"] or request.method not in _COMMANDS:
        return
    if DRY_RUN in request.query_params and not request.route_handler.opt.get(DRY_RUN):
        raise Rejected(
            400,
            Problem(
                type="invalid_request",
                code="dry_run_unsupported",
                detail="There is no dry run of this.",
                attr=DRY_RUN,
            ),
        )


def is_dry_run(request: AnyRequest) -> bool:
    """Raises Rejected 400 for anything but true and false."""
    sent = request.query_params.get(DRY_RUN)
    if sent not in (None, "true", "false"):
        raise invalid(DRY_RUN, "invalid_input", "true or false.")
    return sent == "true"
