"""The one shape in which an error leaves the building, and every refusal that HTTP itself knows.

Refusals of the domain and the log are in each service's table, by exception: `Refusals`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from litestar import MediaType, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from contracts.queries.errors import InvalidQuery
from contracts.routes import methods_of
from services.common.http.request import AnyRequest
from services.common.logs import logger
from services.common.tasks import describe

log = logger("recount.problems")

RETRY_AFTER_SECONDS = 1


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """PostHog's four members, always there. attr: the field at fault, nested as `a__b`."""

    type: str
    code: str
    detail: str
    attr: str | None = None


class Rejected(Exception):
    """An answer that is an error. more: members beside the four; headers: sent with it."""

    def __init__(
        self,
        status: int,
        problem: Problem,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {problem.code}: {problem.detail}")
        self.status = status
        self.problem = problem
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def invalid(attr: str | None, code: str, detail: str) -> Rejected:
    """400: a field is not as it must be. code: invalid_input, required, null, max_length …"""
    return Rejected(400, Problem(type="validation_error", code=code, detail=detail, attr=attr))


def required(attr: str | None) -> Rejected:
    return invalid(attr, "required", "This field is required.")


def blank(attr: str | None) -> Rejected:
    return invalid(attr, "blank", "This field may not be blank.")


def not_a_choice(attr: str | None, sent: object) -> Rejected:
    return invalid(attr, "invalid_choice", f'"{sent}" is not a valid choice.')


def not_json(attr: str | None, cause: Exception) -> Rejected:
    return invalid(attr, "invalid_json", f"JSON parse error - {cause}")


def not_found(detail: str = "Not found.") -> Rejected:
    return Rejected(404, Problem(type="invalid_request", code="not_found", detail=detail))


def forbidden(detail: str) -> Rejected:
    return Rejected(
        403, Problem(type="authentication_error", code="permission_denied", detail=detail)
    )


def unauthenticated(code: str, detail: str) -> Rejected:
    return Rejected(
        401,
        Problem(type="authentication_error", code=code, detail=detail),
        headers={"WWW-Authenticate": "Bearer"},
    )


def share_refused(detail: str = "Sharing access token is invalid.") -> Rejected:
    """403: the token opens nothing, or not this."""
    return Rejected(
        403, Problem(type="authentication_error", code="authentication_failed", detail=detail)
    )


ChangeLine = dict[str, object]
"""One change of one field: version, at, field, before, after."""


def gone(actual: int) -> Rejected:
    """412: `*` never matches what is deleted; to restore it, its version must be named."""
    return Rejected(
        412,
        Problem(type="invalid_request", code="stale", detail="It was deleted."),
        more={"current_version": actual, "changes": []},
    )


def stale(expected: int, actual: int, changes: list[ChangeLine]) -> Rejected:
    """412, with what changed since the version the client knows."""
    detail = "Edited since you read it." if expected < actual else "There is no such version."
    return Rejected(
        412,
        Problem(type="invalid_request", code="stale", detail=detail),
        more={"current_version": actual, "expected_version": expected, "changes": changes},
    )


def too_large(detail: str) -> Rejected:
    return Rejected(413, Problem(type="invalid_request", code="too_large", detail=detail))


def unsupported_media_type(media_type: str) -> Rejected:
    return Rejected(
        415,
        Problem(
            type="invalid_request",
            code="unsupported_media_type",
            detail=f'Unsupported media type "{media_type}" in request.',
        ),
    )


def throttled(wait_seconds: int, budgets: Mapping[str, str]) -> Rejected:
    """429. budgets: the headers that show them."""
    return Rejected(
        429,
        Problem(
            type="throttled_error",
            code="throttled_error",
            detail=f"Request was throttled. Expected available in {wait_seconds} seconds.",
        ),
        headers={"Retry-After": str(wait_seconds), **budgets},
    )


def unavailable(detail: str, retry_after_seconds: int = RETRY_AFTER_SECONDS) -> Rejected:
    return Rejected(
        503,
        Problem(type="server_error", code="unavailable", detail=detail),
        headers={"Retry-After": str(retry_after_seconds)},
    )


DEFECT = Problem(type="server_error", code="error", detail="A server error occurred.")
"""500: nothing that the client could do better."""

Refusals = Mapping[type[Exception], tuple[int, Problem]]
"""Refusals of the domain, the log and other adapters, and their HTTP answers.

Each service has one, for the exceptions that its routes let through.
"""
Answering = Callable[[AnyRequest, Any], Response[bytes]]


def answer(
    status: int,
    problem: Problem,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response[bytes]:
    """The error as an HTTP answer; a 503 says when to ask again."""
    again = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    body = msgspec.to_builtins(problem) | dict(more or {})
    return Response(
        content=msgspec.json.encode(body),
        status_code=status,
        media_type=MediaType.JSON,
        headers={**again, **(headers or {})},
    )


def on_rejected(_: AnyRequest, error: Rejected) -> Response[bytes]:
    return answer(error.status, error.problem, error.headers, error.more)


def on_invalid_query(request: AnyRequest, error: InvalidQuery) -> Response[bytes]:
    return on_rejected(request, invalid(error.attr, error.code, error.detail))


def on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Litestar's own errors, re-worded."""
    match error:
        case NotFoundException() | MethodNotAllowedException() if _elsewhere(request):
            return not_allowed(request.method, methods_of(request.url.path))
        case MethodNotAllowedException():
            return not_allowed(request.method, (error.headers or {}).get("allow", "").split(", "))
        case NotFoundException():
            problem = Problem(type="invalid_request", code="not_found", detail="Not found.")
        case ValidationException():
            problem = Problem(type="validation_error", code="invalid_input", detail=error.detail)
        case _ if error.status_code == 413:
            problem = Problem(
                type="invalid_request", code="too_large", detail="The request body is too large."
            )
        case _ if error.status_code >= 500:
            return on_defect(request, error)
        case _:
            problem = Problem(type="invalid_request", code="invalid_input", detail=error.detail)
    return answer(error.status_code, problem, error.headers)


def allow(methods: Collection[str]) -> str:
    """The header, of the methods that a path has; OPTIONS every path has, HEAD what has GET."""
    known = {*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())}
    return ", ".join(sorted(known - {""}))


def not_allowed(method: str, allowed: Collection[str]) -> Response[bytes]:
    """405. allowed: the methods that the path has."""
    return answer(
        405,
        Problem(
            type="invalid_request",
            code="method_not_allowed",
            detail=f'Method "{method}" not allowed.',
        ),
        {"Allow": allow(allowed)},
    )


def _elsewhere(request: AnyRequest) -> bool:
    """Whether the path exists without this method; perhaps it is another service that has it."""
    methods = methods_of(request.url.path)
    return bool(methods) and request.method not in methods


def on_outage(request: AnyRequest, error: Exception) -> Response[bytes]:
    """PostgreSQL is away, or has no connection left for us."""
    log.warning("database_away", route=_route(request), cause=describe(error))
    return on_rejected(request, unavailable("The database can't be reached. Try again."))


def on_defect(request: AnyRequest, error: Exception) -> Response[bytes]:
    """A bug: the log gets the trace, the client the shape."""
    log.error("request_failed", route=_route(request), exc_info=error)
    return answer(500, DEFECT)


def _route(request: AnyRequest) -> str:
    """The route as it is written, for the log: a path can have a secret in it."""
    return f"{request.method} {request.scope.get('path_template') or 'no route'}"
