"""Clients that hang up: no error, and nothing goes on waiting for them."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar, cast

from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

from services.common.http.request import AnyRequest
from services.common.tasks import stop

T = TypeVar("T")

# No client reads it; nginx writes the same into its logs.
CLIENT_GONE = 499


class ClientHungUp(Exception):
    """The client is gone: there is nobody to answer."""


def noticed(app: ASGIApp) -> ASGIApp:
    """Around the application: reading a body that does not come any more raises ClientHungUp."""

    async def noticing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        whole = False

        async def receiving() -> HTTPReceiveMessage:
            nonlocal whole
            message = cast("HTTPReceiveMessage", await receive())
            if message["type"] == "http.request":
                whole = not message.get("more_body", False)
            elif not whole:
                raise ClientHungUp
            return message

        await app(scope, receiving, send)

    return noticing


def on_hung_up(_: AnyRequest, __: ClientHungUp) -> Response[None]:
    return Response(None, status_code=CLIENT_GONE)


async def while_there(request: AnyRequest, work: Awaitable[T]) -> T:
    """The value of `work`. Raises ClientHungUp once the client is gone: the work is then cancelled.

    For waiting alone: what must not be left half done is no work for this. The body must have been
    read, or be none.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientHungUp
    finally:
        await stop(leaving)
        await stop(working)


async def _gone(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
