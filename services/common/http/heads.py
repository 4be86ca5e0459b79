"""HEAD: the answer that GET would have, without its body (RFC 9110, 9.3.2)."""

from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.common.http.request import AnyRequest

_HEAD = "recount.head"


def is_head(request: AnyRequest) -> bool:
    """Whether nobody waits for a body: to know for answers that have no end."""
    return asks_for_head(request.scope)


def asks_for_head(scope: Scope) -> bool:
    return _HEAD in scope


def heads(app: ASGIApp) -> ASGIApp:
    """Around the application, before the routing: whatever has a GET has a HEAD."""

    async def headed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy: the server must go on knowing that it is a HEAD.
        asked = cast("dict[str, Any]", {**scope, "method": "GET", _HEAD: True})
        await app(cast("Scope", asked), receive, without_body)

    return headed
