"""Any answer as CSV, on demand: `format=csv`, or an Accept that names CSV and not JSON."""

from typing import Any
from urllib.parse import parse_qs

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from services.common.http.csv_tables import to_csv
from services.common.http.operations import DESCRIBES, RouteDescription

# Litestar adds the charset to text.
CSV = "text/csv"

NEVER_CSV = "never_csv"
"""In a route's `opt`: its answer is no table, and may have no end, so it is not gathered."""


def wants_csv(scope: Scope) -> bool:
    """Whether the request of this scope asks for CSV; the query string goes before the header."""
    query = scope["query_string"]
    if b"format=" in query and (named := parse_qs(query.decode("latin-1")).get("format")):
        return named[-1].strip().lower() == "csv"
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return b"text/csv" in accepted and b"application/json" not in accepted


def kind_of(scope: Scope) -> Any:
    """The type of the answer of the scope's route, as the route describes it."""
    handler = scope.get("route_handler")
    operation = None if handler is None else handler.opt.get(DESCRIBES)
    answers = operation.answers if isinstance(operation, RouteDescription) else {}
    return next((each.kind for status, each in answers.items() if status < 300), None)


def csv_answers(app: ASGIApp) -> ASGIApp:
    """Middleware: rewrites what a handler has answered in JSON. Errors stay in their one shape."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not wants_csv(scope) or _is_no_table(scope):
            await app(scope, receive, send)
            return
        start: HTTPResponseStartEvent | None = None
        body = b""

        async def rewrite(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body" and start is not None:
                body += message["body"]
                if not message.get("more_body"):
                    for rewritten in _rewritten(start, body, kind_of(scope)):
                        await send(rewritten)
            else:
                await send(message)

        await app(scope, receive, rewrite)

    return middleware


def _is_no_table(scope: Scope) -> bool:
    handler = scope.get("route_handler")
    return handler is not None and NEVER_CSV in handler.opt


def _rewritten(start: HTTPResponseStartEvent, body: bytes, of: Any) -> tuple[Message, Message]:
    converted: HTTPResponseBodyEvent = {
        "type": "http.response.body",
        "body": body,
        "more_body": False,
    }
    kind = dict(start["headers"]).get(b"content-type", b"")
    if start["status"] >= 300 or not body or not kind.startswith(b"application/json"):
        return start, converted
    rows = to_csv(body, of)
    headers = [
        *((name, value) for name, value in start["headers"] if name not in _ABOUT_THE_BODY),
        (b"content-type", f"{CSV}; charset=utf-8".encode()),
        (b"content-length", str(len(rows)).encode()),
    ]
    headed: HTTPResponseStartEvent = {**start, "headers": headers}
    return headed, {**converted, "body": rows}


_ABOUT_THE_BODY = {b"content-type", b"content-length"}
