"""OPTIONS: which methods a path has, whichever handler or service answers each of them.

Litestar answers it too, but knows of one handler alone where a path has several, and of no HEAD.
"""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from contracts.routes import methods_of
from services.common.http.problems import allow


def options(app: ASGIApp) -> ASGIApp:
    """Around the application, before the routing: for the paths of `contracts.routes`; what has one
    handler alone is left to it.
    """

    async def optioned(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
            await app(scope, receive, send)
            return
        methods = methods_of(scope["path"])
        if methods:
            headers = [(b"allow", allow(methods).encode())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def with_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (
                        name,
                        allow(value.decode().split(", ")).encode() if name == b"allow" else value,
                    )
                    for name, value in message["headers"]
                ]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, with_head)

    return optioned
