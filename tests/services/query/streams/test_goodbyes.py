"""Why a stream ends, and that whoever comes back has lost nothing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from contracts.events.insight import InsightDescribed, InsightRenamed
from services.common.accounts.administration import create_key
from services.query.streams.connection import Times
from tests.examples import created
from tests.services.query.streams.streaming import Heard, Streaming, streaming_service
from tests.waiting import seen

LARGE = "x" * 200_000


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url, times=Times(patience=0.3)) as running:
        await running.projector.append(created())
        yield running


async def execute(service: Streaming, statement: str, *values: object) -> None:
    async with service.projector.pool.connection() as conn:
        changed = await conn.execute(statement.encode(), values)
        assert changed.rowcount == 1


async def taken_leave_of(heard: Heard) -> tuple[str, str]:
    """The reason, and the cursor to go on from; the stream has ended behind it."""
    event = await heard.until("recount.goodbye")
    told = json.loads(event.data)
    assert event.id == told["after"]
    with pytest.raises(StopAsyncIteration):
        await heard.next()
    return told["reason"], told["after"]


async def open_streams() -> float:
    return REGISTRY.get_sample_value("recount_stream_connections") or 0.0


Loss = Callable[[Streaming, str], Awaitable[None]]


async def key_revoked(service: Streaming, key_id: str) -> None:
    revoke = "UPDATE personal_api_keys SET revoked_at = now() WHERE id = %s"
    await execute(service, revoke, key_id)


async def scope_taken(service: Streaming, key_id: str) -> None:
    await execute(
        service, "UPDATE personal_api_keys SET scopes = '{insight:read}' WHERE id = %s", key_id
    )


async def rank_lost(service: Streaming, _: str) -> None:
    await execute(service, "UPDATE organization_members SET level = 1 WHERE user_id = %s", 1)


async def membership_lost(service: Streaming, _: str) -> None:
    await execute(service, "DELETE FROM organization_members WHERE user_id = %s", 1)


@pytest.mark.parametrize("loss", [key_revoked, scope_taken, rank_lost, membership_lost])
async def test_who_may_not_read_any_more_is_sent_away(service: Streaming, loss: Loss) -> None:
    issued = await create_key(service.projector.pool, 1)
    service = Streaming(
        service.projector,
        service.client,
        {"alice": issued.key},
        service.server,
        service.url,
    )
    async with service.stream("?after=0") as heard:
        await heard.facts(1)
        await loss(service, issued.id)
        reason, after = await taken_leave_of(heard)
        assert (reason, after.partition("-")[0]) == ("key_revoked", "1")
    assert (await service.get("stream/")).status_code in (401, 403)


async def test_a_stream_lasts_an_hour(postgres_url: str) -> None:
    async with streaming_service(postgres_url, times=Times(life=0.2, spread=0.1)) as service:
        await service.projector.append(created())
        async with service.stream("?after=0") as heard:
            reason, after = await taken_leave_of(heard)
    assert (reason, after.partition("-")[0]) == ("hour", "1")


async def test_the_end_of_the_server_is_told_and_nothing_is_lost(service: Streaming) -> None:
    async with service.stream("?after=0") as heard, service.stream("?types=sharing.*") as other:
        await heard.facts(1)
        await service.projector.append(InsightRenamed("a", None))
        await heard.facts(1)
        service.server.should_exit = True
        reason, after = await taken_leave_of(heard)
        assert (reason, after) == ("restart", heard.last_id)
        assert (await taken_leave_of(other))[0] == "restart"


async def test_a_client_that_leaves_is_noticed(service: Streaming) -> None:
    async with service.stream() as heard:
        assert heard.response.status_code == 200
        assert await open_streams() == 1
    await seen(open_streams, lambda count: count == 0)


async def test_a_project_and_the_process_have_so_many_streams(postgres_url: str) -> None:
    async with streaming_service(
        postgres_url, streams_per_project=2, streams_per_process=3
    ) as service:
        theirs = service.client.stream(
            "GET", "/api/projects/2/facts/stream/", headers=service.headers("carol")
        )
        await execute(service, "UPDATE organization_members SET level = 15 WHERE user_id = %s", 3)
        async with service.stream():
            async with service.stream():
                refused = await service.get("stream/")
                assert refused.status_code == 429
                assert refused.headers["Retry-After"] == "10"
                assert "The project has 2" in refused.json()["detail"]
                async with theirs:
                    full = await service.get("stream/")
                    assert "This server has 3" in full.json()["detail"]
            await seen(open_streams, lambda count: count == 1)
            async with service.stream() as again:
                assert again.response.status_code == 200


@contextlib.asynccontextmanager
async def reading_nothing(service: Streaming) -> AsyncIterator[asyncio.StreamReader]:
    """A client that asks for a stream, and then does not read it."""
    address = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1024)
    writer.write(
        b"GET /api/projects/1/facts/stream/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + service.keys["alice"].encode()
        + b"\r\n\r\n"
    )
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_who_stops_reading_is_cut_and_the_others_go_on(postgres_url: str) -> None:
    async with streaming_service(
        postgres_url, times=Times(patience=0.3), stream_buffer_events=10
    ) as service:
        await service.projector.append(created())
        async with service.stream() as heard, reading_nothing(service) as stuck:
            await seen(open_streams, lambda count: count == 2)
            count = 0
            while await open_streams() == 2:
                await service.projector.append(InsightDescribed(LARGE + str(count), None))
                await heard.facts(1)
                count += 1
            assert await open_streams() == 1
            # Dropped, or the server could not end before it has read what it never will.
            assert len(service.server.server_state.connections) == 1
            await service.projector.append(InsightRenamed("a", None))
            assert (await heard.facts(1))[0] == (await service.events(after=1))[-1]
            # What it did get are whole events, one after the other, and the rest is not there.
            with contextlib.suppress(ConnectionError):
                got = await stuck.read()
                assert len(got) < count * len(LARGE)


async def test_what_waits_is_bounded_and_the_goodbye_says_where_to_go_on(
    postgres_url: str,
) -> None:
    """The reader is slow, and not gone: it hears why, and goes on without a loss."""
    async with streaming_service(
        postgres_url, times=Times(patience=20), stream_buffer_events=5
    ) as service:
        await service.projector.append(created())
        ids: list[int] = []
        url = "/api/projects/1/facts/stream/"
        async with service.client.stream("GET", url, headers=service.headers()) as answer:
            await seen(open_streams, lambda count: count == 1)
            count = 0
            follower = service.server.config.app.state.streams.feed.followers[0]  # type: ignore[union-attr]  # ours
            while follower.ended is None:
                await service.projector.append(InsightDescribed(LARGE + str(count), None))
                count += 1
            lines = answer.aiter_lines()
            event, told = "", {}
            async for line in lines:
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "recount.goodbye":
                    told = json.loads(line.removeprefix("data: "))
                elif line.startswith("data: "):
                    ids.append(int(json.loads(line.removeprefix("data: "))["id"]))
        assert told["reason"] == "too_slow"
        assert ids == list(range(2, ids[-1] + 1))
        assert told["after"].partition("-")[0] == str(ids[-1])
        async with service.stream(last=told["after"]) as heard:
            rest = await heard.facts(count + 1 - ids[-1])
        assert rest == await service.events(after=ids[-1])
