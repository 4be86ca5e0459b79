"""HEAD: the answer that GET would have, without its body (RFC 9110, 9.3.2)."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send


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
        await app({**scope, "method": "GET"}, receive, without_body)

    return headed
