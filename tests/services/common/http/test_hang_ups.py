"""A client that hangs up: over real connections, to the whole command service."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from litestar import Request, Response, get, post
from litestar.types import ASGIApp, Receive, Scope, Send

from services.command.capture import app as capture
from services.common.http.app import ServicePart, compose
from services.common.http.body import as_json
from services.common.http.foundation import foundation
from tests.waiting import seen


class Served:
    """A server on `port`. reading, ended: requests that are under way, and those that are over."""

    def __init__(self) -> None:
        self.port = 0
        self.reading = 0
        self.ended = 0

    def counting(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.reading += 1
            try:
                await app(scope, receive, send)
            finally:
                self.reading -= 1
                self.ended += 1

        return counted

    async def begin(self, text: str) -> asyncio.StreamWriter:
        """A connection that has sent this much."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text.encode())
        await writer.drain()
        return writer


@post("/read", opt={"public": True})
async def reads(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(await as_json(request))


@get("/large", opt={"public": True})
async def large() -> Response[bytes]:
    await asyncio.sleep(0.05)
    return Response(b" " * 20_000_000)


@pytest.fixture
async def served(postgres_url: str, nats_url: str, stream_prefix: str) -> AsyncIterator[Served]:
    served = Served()
    ours = ServicePart(handlers=[reads, large], around=[served.counting])
    app = compose([foundation(postgres_url), capture.part(nats_url, prefix=stream_prefix), ours])
    config = uvicorn.Config(app, port=0, http="httptools", log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await seen(_now(lambda: server.started), bool)
    served.port = server.servers[0].sockets[0].getsockname()[1]
    served.reading = served.ended = 0
    yield served
    server.should_exit = True
    await serving


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/batch/", "application/json"),
        ("/e/", "application/x-www-form-urlencoded"),
        ("/flags/", "application/json"),
        ("/s/", "application/json"),
        ("/read/", "application/json"),
        ("/read/", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_client_that_hangs_up_within_its_body_is_no_error(
    served: Served, caplog: pytest.LogCaptureFixture, path: str, kind: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 999\r\n\r\n"
    before = served.ended
    writer = await served.begin(head + "--x\r\n")
    await seen(_now(lambda: served.reading), lambda reading: reading == 1)
    writer.close()
    await seen(_now(lambda: served.ended), lambda ended: ended == before + 1)
    assert _complaints(caplog) == []


async def test_nothing_goes_on_waiting_for_a_client_that_is_gone(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    begun = await served.begin("GET /i/position?reach=99&wait=30 HTTP/1.1\r\nHost: x\r\n\r\n")
    await seen(_now(lambda: served.reading), lambda reading: reading == 1)
    begun.close()
    # Long before the 30 seconds: `seen` would find it there until the end.
    await seen(_now(lambda: served.ended), lambda ended: ended == 1, seconds=15)
    assert _complaints(caplog) == []


async def test_a_client_that_does_not_take_its_answer_is_no_error(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await served.begin("GET /large/ HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.transport.abort()
    await seen(_now(lambda: served.ended), lambda ended: ended == 1)
    assert _complaints(caplog) == []


async def test_who_waits_and_stays_is_answered(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /i/position?reach=99&wait=0.1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


def _complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno > logging.INFO]


def _now(look: Callable[[], int]) -> Callable[[], Awaitable[int]]:
    async def looking() -> int:
        return look()

    return looking
