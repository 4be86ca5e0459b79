"""What browsers need on public routes: CORS headers on every answer, errors included."""

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_METHODS: Final = "GET, POST, OPTIONS"


def allow_origins(app: ASGIApp) -> ASGIApp:
    """Middleware of a route that pages of any origin may call.

    It answers OPTIONS itself, before anything asks for a token; the route must list that method, or
    Litestar adds a handler that has no middleware.
    """

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = asked.get(b"origin")
        wanted = asked.get(b"access-control-request-headers")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["Vary"] = "Origin"
                if origin is not None:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Allow-Credentials"] = "true"
                    headers["Access-Control-Allow-Methods"] = _METHODS
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
                    if wanted is not None:
                        headers["Access-Control-Allow-Headers"] = wanted
            await send(message)

        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            await sending({"type": "http.response.start", "status": 200, "headers": []})
            await sending({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await app(scope, receive, sending)

    return with_headers
