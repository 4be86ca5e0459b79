"""The fields that every log line of a request has: operation and correlation."""

from uuid import UUID

from litestar.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars


def requests_apart(app: ASGIApp) -> ASGIApp:
    """Around the application: what one request binds is on no line of another one, or of none."""

    async def apart(scope: Scope, receive: Receive, send: Send) -> None:
        clear_contextvars()
        try:
            await app(scope, receive, send)
        finally:
            clear_contextvars()

    return apart


def bind(operation_id: UUID, correlation_id: UUID) -> None:
    """From here to the end of the request."""
    bind_contextvars(operation_id=str(operation_id), correlation_id=str(correlation_id))
