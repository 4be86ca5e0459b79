"""The fields that every log line of a request has: correlation, and operation and project once
they are known.
"""

from uuid import UUID

from litestar.types import ASGIApp, Receive, Scope, Send

from services.common.http.observed import is_routed_by, request_id_of
from services.common.logs import NO_FIELDS, request_fields


def requests_apart(app: ASGIApp) -> ASGIApp:
    """Around the application: what one request binds is on no line of another one, or of none."""

    async def apart(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(scope)
        request_fields.set(NO_FIELDS if request_id is None else {"correlation_id": request_id})
        is_routed_by(scope)
        try:
            await app(scope, receive, send)
        finally:
            request_fields.set(NO_FIELDS)

    return apart


def bind(operation_id: UUID, correlation_id: UUID, project: int) -> None:
    """From here to the end of the request."""
    fields = {"operation_id": operation_id, "correlation_id": correlation_id, "project": project}
    request_fields.set(fields)
