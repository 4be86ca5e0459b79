"""GET audit/?follow=true: what comes, line by line, until one of the two has to end it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from contracts.events.insight import InsightDescribed, InsightRenamed
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import insight_stream, sharing_stream
from services.query.streams.connection import Times
from tests.contracts.ocsf.validating import validated
from tests.examples import INSIGHT, created
from tests.services.query.audit.auditing import AUDIT, get
from tests.services.query.streams.streaming import Streaming, streaming_service
from tests.waiting import seen

LARGE = "x" * 200_000
WRITERS = 4
EACH = 40


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    times = Times(bookmark=0.3, patience=0.3)
    async with streaming_service(postgres_url, times=times, stream_buffer_events=50) as running:
        await running.projector.append(created(name="Visit to sign-up"))
        yield running


@contextlib.asynccontextmanager
async def following(
    service: Streaming, after: object = 0, form: str = "ndjson", more: str = ""
) -> AsyncIterator[httpx.Response]:
    url = f"{AUDIT}?follow=true&format={form}&after={after}{more}"
    async with service.client.stream("GET", url, headers=service.headers()) as answer:
        yield answer


async def lines(answer: httpx.Response, count: int) -> list[str]:
    """The next so many that are not empty."""
    found: list[str] = []
    async with asyncio.timeout(60):
        async for line in answer.aiter_lines():
            if line:
                found.append(line)
            if len(found) == count:
                break
    return found


async def test_what_is_there_comes_first_and_then_what_happens(service: Streaming) -> None:
    for form in ("ndjson", "ocsf"):
        async with following(service, form=form) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/x-ndjson"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["facts-through"].startswith("0-")
            (first,) = await lines(answer, 1)
        page = await get(service, f"?format={form}&limit=1")
        assert f"{first}\n" == page.text


async def test_silence_is_an_empty_line(service: Streaming) -> None:
    async with following(service, after="now", more="&types=sharing.*") as answer:
        heard = answer.aiter_lines()
        assert await anext(heard) == ""
        await service.projector.append(InsightRenamed("a", None))
        await service.projector.append(SharingEnabled(INSIGHT, 1), of=sharing_stream(1, INSIGHT))
        async with asyncio.timeout(30):
            while not (line := await anext(heard)):
                pass
        assert json.loads(line)["type"] == "sharing.enabled.v1"
        assert await anext(heard) == ""


async def test_beside_writers_a_follower_that_restarts_misses_and_doubles_nothing(
    service: Streaming,
) -> None:
    async def write(writer: int) -> None:
        stream = insight_stream(1, 100 + writer)
        await service.projector.append(
            created(insight_id=100 + writer, short_id=f"writer0{writer}"), of=stream
        )
        for number in range(EACH):
            await service.projector.append(InsightRenamed(str(number), None), of=stream)

    total = 1 + WRITERS * (1 + EACH)
    writing = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    found: list[int] = []
    restarts = 0
    while len(found) < total:
        after = found[-1] if found else 0
        form = ("ndjson", "ocsf")[restarts % 2]
        async with following(service, after, form) as answer:
            for line in await lines(answer, min(total - len(found), 13 + restarts)):
                told = json.loads(line)
                found.append(told["sequence"] if form == "ndjson" else sequence(told))
        restarts += 1
    await asyncio.gather(*writing)
    assert found == list(range(1, total + 1))
    assert restarts > 3


def sequence(event: dict[str, dict[str, int]]) -> int:
    return validated(event)["metadata"]["sequence"]  # type: ignore[no-any-return]  # as it was made


async def test_four_may_follow_and_streams_of_facts_are_counted_apart(
    service: Streaming,
) -> None:
    async with contextlib.AsyncExitStack() as opened:
        for _ in range(4):
            answer = await opened.enter_async_context(following(service))
            assert answer.status_code == 200
        async with following(service, form="ocsf") as refused:
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "10"
            assert json.loads(await refused.aread())["code"] == "too_many_streams"
        assert (await get(service)).status_code == 200
        heard = await opened.enter_async_context(service.stream())
        assert heard.response.status_code == 200


async def test_who_may_not_read_any_more_is_sent_away(service: Streaming) -> None:
    async with following(service) as answer:
        heard = answer.aiter_lines()
        assert json.loads(await anext(heard))["sequence"] == 1
        async with service.projector.pool.connection() as conn:
            await conn.execute("UPDATE organization_members SET level = 1 WHERE user_id = 1")
        async with asyncio.timeout(30):
            assert [line async for line in heard if line] == []
    assert (await get(service)).status_code == 403


async def test_who_reads_too_slowly_is_cut_off_after_a_whole_line(service: Streaming) -> None:
    address = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1024)
    writer.write(
        f"GET {AUDIT}?follow=true&format=ndjson&after=now HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {service.keys['alice']}\r\n\r\n".encode()
    )
    feed = service.server.config.app.state.streams.feed  # type: ignore[union-attr]  # ours

    async def followers() -> int:
        return len(feed.followers)

    await seen(followers, lambda count: count == 1)
    written = 0
    while await followers():
        await service.projector.append(InsightDescribed(LARGE + str(written), None))
        written += 1
    got = b""
    with contextlib.suppress(ConnectionError):
        got = await reader.read(-1)
    writer.close()
    whole = [line for line in got.split(b"\n") if line.startswith(b'{"sequence"')]
    told = [json.loads(line)["sequence"] for line in whole if line.rstrip().endswith(b"}")]
    assert told == list(range(2, 2 + len(told)))
    assert len(told) < written
    async with following(service, told[-1] if told else 1) as answer:
        rest = await lines(answer, written - len(told))
    assert json.loads(rest[-1])["sequence"] == 1 + written
