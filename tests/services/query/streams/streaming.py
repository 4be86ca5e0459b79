"""The query service's streams on a real server and a real PostgreSQL, and a writer beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import msgspec
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse

from contracts.chain import Entry
from contracts.cloud_events import encode_cloud_event, event_source
from services.common.http.app import compose
from services.common.http.budgets import UNLIMITED, Budgets
from services.common.http.foundation import foundation
from services.common.http.proxies import NOBODY
from services.common.postgres.installation import installation
from services.common.process import Server
from services.query import reading, recording, streaming
from services.query.settings import QuerySettings
from services.query.streams.connection import TIMES, Times
from tests.services.projector.projecting import Projecting, projecting
from tests.services.query.reads.reading import NO_ENGINE, accounts
from tests.waiting import seen


class Streaming(msgspec.Struct, frozen=True):
    """alice, owner of a key, is an administrator of project 1; bob a member. url: of the server."""

    projector: Projecting
    client: httpx.AsyncClient
    keys: Mapping[str, str]
    server: Server
    url: str

    def headers(self, by: str = "alice") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[by]}"}

    async def get(self, path: str = "", *, by: str = "alice", **options: Any) -> httpx.Response:
        """GET below /api/projects/1/facts/."""
        headers = {**self.headers(by), **options.pop("headers", {})}
        return await self.client.get(f"/api/projects/1/facts/{path}", headers=headers, **options)

    async def entries(self, after: int = 0) -> list[Entry]:
        """Of project 1, as they stand in the log."""
        return await self.projector.store.project_entries(1, after)

    async def events(self, after: int = 0) -> list[bytes]:
        """The same, as they travel."""
        source = event_source(await installation(self.projector.pool), 1)
        return [encode_cloud_event(entry, source) for entry in await self.entries(after)]

    @contextlib.asynccontextmanager
    async def stream(
        self, query: str = "", *, by: str = "alice", last: str | None = None
    ) -> AsyncIterator["Heard"]:
        """A stream by another library's reader."""
        headers = self.headers(by) | ({} if last is None else {"Last-Event-ID": last})
        url = f"/api/projects/1/facts/stream/{query}"
        async with aconnect_sse(self.client, "GET", url, headers=headers) as source:
            yield Heard(source)


class Heard:
    """What comes over a stream, in its order; the id that a client would come back with."""

    def __init__(self, source: EventSource) -> None:
        self.response = source.response
        self.last_id = ""
        self._events = source.aiter_sse()

    async def next(self) -> ServerSentEvent:
        """The next event that has data."""
        async with asyncio.timeout(30):
            while True:
                event = await anext(self._events)
                self.last_id = event.id or self.last_id
                if event.data:
                    return event

    async def facts(self, count: int) -> list[bytes]:
        """The next events that are facts, as they came."""
        found: list[bytes] = []
        while len(found) < count:
            event = await self.next()
            if not event.event.startswith("recount."):
                found.append(event.data.encode())
        return found

    async def until(self, kind: str) -> ServerSentEvent:
        while (event := await self.next()).event != kind:
            pass
        return event


@contextlib.asynccontextmanager
async def streaming_service(
    url: str, *, times: Times = TIMES, budgets: Budgets = UNLIMITED, **settings: Any
) -> AsyncIterator[Streaming]:
    async with projecting(url) as projector:
        keys = await accounts(projector)
        chosen = QuerySettings(**{"database_url": url, "clickhouse_url": "", **settings})
        app = compose(
            [
                foundation(url, budgets),
                recording.part(chosen, NOBODY),
                reading.part(chosen),
                streaming.part(chosen, times),
                NO_ENGINE,
            ]
        )
        async with served(app) as server:
            port = server.servers[0].sockets[0].getsockname()[1]
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, timeout=60) as client:
                yield Streaming(projector, client, keys, server, base)


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[Server]:
    """On a port of its own, in this loop."""
    server = Server(app, 20, port=0, loop="none")
    # Without its signal handlers, which are for a process of its own.
    serving = asyncio.create_task(server._serve())
    try:
        await seen(_started(server), bool)
        yield server
    finally:
        server.should_exit = True
        await serving


def _started(server: Server) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return server.started

    return look
