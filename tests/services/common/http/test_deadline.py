"""Requests that nobody answers in time, over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import uvicorn
from litestar import get, post
from litestar.response import Stream

from services.common.http import deadline
from services.common.http.app import ServicePart, compose
from services.common.http.request import AnyRequest
from tests.waiting import seen

pytestmark = pytest.mark.anyio

SECONDS = 0.2


class Frozen:
    """A server that answers nothing, and does not let go of who gives up, until it thaws."""

    def __init__(self) -> None:
        self.thaws = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self) -> str:
        try:
            await self.thaws.wait()
        finally:
            await self.thaws.wait()
            self.ended.set()
        return "late"


@contextlib.asynccontextmanager
async def serving(frozen: Frozen) -> AsyncIterator[httpx.AsyncClient]:
    @get("/frozen", opt={"public": True, "any_query": True})
    async def asked() -> str:
        return await frozen.answer()

    @post("/frozen", opt={"public": True, "any_query": True})
    async def sent(request: AnyRequest) -> str:
        await request.body()
        return await frozen.answer()

    @post("/frozen-first", opt={"public": True, "any_query": True})
    async def waited(request: AnyRequest) -> str:
        await frozen.answer()
        await request.body()
        return "late"

    @get("/stream", opt={"public": True, "any_query": True})
    async def streamed() -> Stream:
        async def parts() -> AsyncIterator[str]:
            for part in ("a", "b"):
                yield part
                await asyncio.sleep(2 * SECONDS)

        return Stream(parts())

    app = compose([ServicePart(handlers=[asked, sent, waited, streamed])], request_seconds=SECONDS)
    config = uvicorn.Config(app, port=0, http="httptools", log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await seen(_started(server), bool)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    frozen.thaws.set()
    server.should_exit = True
    await running


def _started(server: uvicorn.Server) -> Callable[[], Awaitable[bool]]:
    async def started() -> bool:
        return server.started

    return started


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_does_not_begin_is_a_503(method: str) -> None:
    frozen = Frozen()
    async with serving(frozen) as client:
        answer = await client.request(
            method, "/frozen", content=b"{}" if method == "POST" else None
        )
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "unavailable"
        assert f"{SECONDS:g} s" in answer.json()["detail"]
        # Nobody waited for its end; and the connection is as good as before.
        assert not frozen.ended.is_set()
        assert (await client.get("/_livez")).status_code == 200
        frozen.thaws.set()
        await asyncio.wait_for(frozen.ended.wait(), 60)
        assert (await client.get("/_livez")).status_code == 200


async def test_what_waits_before_it_reads_the_body_has_a_deadline_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadline, "BODY_SECONDS", SECONDS)
    frozen = Frozen()
    async with serving(frozen) as client:
        answer = await client.post("/frozen-first", content=b"{}")
        assert answer.status_code == 503


async def test_an_answer_that_has_begun_takes_as_long_as_it_does() -> None:
    async with serving(Frozen()) as client:
        assert (await client.get("/stream")).text == "ab"


async def test_a_body_may_come_slowly() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(2 * SECONDS)
        yield b"}"

    frozen = Frozen()
    frozen.thaws.set()
    async with serving(frozen) as client:
        assert (await client.post("/frozen", content=slow())).status_code == 201
