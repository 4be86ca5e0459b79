"""The fields that every log line of a request has: correlation, and operation and project once
they are known.
"""

from uuid import UUID

from litestar.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from services.common.http.observed import is_routed_by, request_id_of


def requests_apart(app: ASGIApp) -> ASGIApp:
    """Around the application: what one request binds is on no line of another one, or of none."""

    async def apart(scope: Scope, receive: Receive, send: Send) -> None:
        clear_contextvars()
        if (request_id := request_id_of(scope)) is not None:
            is_routed_by(scope)
            bind_contextvars(correlation_id=str(request_id))
        try:
            await app(scope, receive, send)
        finally:
            clear_contextvars()

    return apart


def bind(operation_id: UUID, correlation_id: UUID, project: int) -> None:
    """From here to the end of the request."""
    bind_contextvars(
        operation_id=str(operation_id), correlation_id=str(correlation_id), project=project
    )
