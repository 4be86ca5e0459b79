"""A receiver of chaos: a small server over TLS, whose authority is made for the test."""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from services.common.webhooks.destinations import Destinations, networks

NAME = "hooks.test"
ADDRESS = "127.0.0.2"
# The receiver's own address and nothing else: 127.0.0.1 is as forbidden as it is outside.
ALLOWED = Destinations(networks(f"{ADDRESS}/32"))

Behaviour = Callable[["Got"], "int | web.Response | str"]
"""A status, a whole answer, or what it does instead: `hang`, `close`."""


class Got(msgspec.Struct, frozen=True):
    """A request. again: how often this event came before."""

    headers: Mapping[str, str]
    body: bytes
    again: int

    @property
    def event(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    @property
    def sequence(self) -> int:
        return int(self.event["sequence"])

    @property
    def subject(self) -> str:
        return str(self.event["subject"])


class Receiver:
    def __init__(self, port: int) -> None:
        self.port = port
        self.got: list[Got] = []
        self.behave: Behaviour = lambda got: 200
        self._seen: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook"

    @property
    def sequences(self) -> list[int]:
        return [got.sequence for got in self.got]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.headers["webhook-id"]
        got = Got(dict(request.headers), await request.read(), self._seen[name])
        self._seen[name] += 1
        self.got.append(got)
        done = self.behave(got)
        if done == "hang":
            await asyncio.sleep(60)
        if done == "close":
            assert request.transport is not None
            request.transport.close()
        if isinstance(done, int):
            return web.Response(status=done, text="as told")
        return done if isinstance(done, web.Response) else web.Response()


@contextlib.asynccontextmanager
async def receiving(
    context: ssl.SSLContext | None, address: str = ADDRESS
) -> AsyncIterator[Receiver]:
    """context: None for plain http."""
    receiver = Receiver(0)
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address, 0, ssl_context=context)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()


class Names:
    """A resolver whose answers a test sets; the receiver's address unless it says otherwise."""

    def __init__(self) -> None:
        self.answers: dict[str, Sequence[str]] = {}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.get(host, [ADDRESS])


@contextlib.asynccontextmanager
async def trap(port: int) -> AsyncIterator[list[str]]:
    """Whoever reaches 127.0.0.1 at this port, where nothing may go."""
    caught: list[str] = []

    def catch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caught.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(catch, "127.0.0.1", port)
    async with server:
        yield caught
