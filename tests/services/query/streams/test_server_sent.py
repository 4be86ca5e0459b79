"""Facts as server-sent events: followed by another library, dropped, resumed, and ended."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from contracts.cursors import cursor_text
from contracts.events.insight import InsightRenamed
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import insight_stream, sharing_stream
from services.query.streams.connection import Times
from tests.examples import INSIGHT, created
from tests.services.query.streams.streaming import Streaming, streaming_service

QUICK = Times(bookmark=0.2)


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url, times=QUICK) as running:
        await running.projector.append(created())
        yield running


async def rename(service: Streaming, *names: str) -> None:
    for name in names:
        await service.projector.append(InsightRenamed(name, None))


async def test_a_stream_says_how_to_come_back_and_is_neither_kept_nor_compressed(
    service: Streaming,
) -> None:
    head = {**service.headers(), "Accept-Encoding": "gzip, br", "Accept": "text/csv"}
    url = "/api/projects/1/facts/stream/?after=0&format=csv"
    async with service.client.stream("GET", url, headers=head) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in answer.headers
        assert "content-length" not in answer.headers
        lines = answer.aiter_lines()
        began = [await anext(lines) for _ in range(7)]
        (entry,) = await service.entries()
        (event,) = await service.events()
        assert began == [
            *("retry: 2000", "id: 0-0000000000000000", ""),
            f"id: {cursor_text(1, entry.hash)}",
            "event: insight.created.v1",
            f"data: {event.decode()}",
            "",
        ]


async def test_a_head_request_has_an_end(service: Streaming) -> None:
    answer = await service.client.head("/api/projects/1/facts/stream/", headers=service.headers())
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_what_is_there_and_what_comes_is_what_a_pull_gives(service: Streaming) -> None:
    await rename(service, "a", "b")
    async with service.stream("?after=0") as heard, service.stream() as late:
        before = await heard.facts(3)
        await service.projector.append(created(), of=insight_stream(2, INSIGHT))
        await rename(service, "c")
        assert before + await heard.facts(1) == await service.events()
        assert await late.facts(1) == await service.events(after=3)
        assert json.loads((await service.get("?after=3")).content)["events"][0]["id"] == "4"


async def test_who_drops_and_comes_back_misses_nothing_and_gets_nothing_twice(
    service: Streaming,
) -> None:
    async def write(number: int) -> None:
        for n in range(40):
            await service.projector.append(
                created(insight_id=number * 100 + n, short_id=f"w{number}n{n:05}"),
                of=insight_stream(1, number * 100 + n),
            )

    writers = [asyncio.create_task(write(number)) for number in range(1, 9)]
    got: list[bytes] = []
    last: str | None = None
    for size in (1, 7, 50, 3, 100, 20, 60, 80):
        async with service.stream("?after=0", last=last) as heard:
            got += await heard.facts(size)
            last = heard.last_id
    await asyncio.gather(*writers)
    assert len(got) == 321
    assert got == await service.events()


async def test_a_cursor_of_one_way_goes_on_on_the_other(service: Streaming) -> None:
    await rename(service, *map(str, range(9)))
    got: list[bytes] = []
    cursor = "0"
    for size in (2, 1, 3):
        async with service.stream(last=cursor) as heard:
            got += await heard.facts(size)
        pulled = await service.get(f"?after={heard.last_id}&limit=1&format=ndjson")
        got += pulled.content.splitlines()
        cursor = pulled.headers["Facts-Through"]
    assert got == (await service.events())[:9]


async def test_a_filtered_stream_moves_its_id_on_by_bookmarks(service: Streaming) -> None:
    async with service.stream("?after=0&types=sharing.*") as heard:
        bookmark = await heard.until("recount.bookmark")
        assert json.loads(bookmark.data) == {"sequence": 1, "head": 1}
        await rename(service, "a", "b")
        bookmark = await heard.until("recount.bookmark")
        entries = await service.entries()
        at = json.loads(bookmark.data)["sequence"]
        assert bookmark.id == cursor_text(at, entries[at - 1].hash)
        await service.projector.append(SharingEnabled(INSIGHT, 1), of=sharing_stream(1, INSIGHT))
        assert await heard.facts(1) == await service.events(after=3)
        assert heard.last_id.startswith("4-")


async def test_a_quiet_stream_lives_by_comments(service: Streaming) -> None:
    url = "/api/projects/1/facts/stream/"
    async with service.client.stream("GET", url, headers=service.headers()) as answer:
        lines = answer.aiter_lines()
        found = [await anext(lines) for _ in range(7)]
    assert found[3:] == [": 1", "", ": 1", ""]


async def test_the_id_of_the_last_event_goes_before_after(service: Streaming) -> None:
    await rename(service, "a")
    async with service.stream("?after=0", last="1") as heard:
        assert await heard.facts(1) == await service.events(after=1)


async def test_errors_before_the_stream_are_ordinary_answers(service: Streaming) -> None:
    for last, query, status, code in (
        ("2", "", 409, "cursor_ahead"),
        (f"1-{'0' * 16}", "", 409, "cursor_elsewhere"),
        ("x", "", 400, "invalid_input"),
        ("1", "?types=x", 400, "invalid_choice"),
    ):
        answer = await service.get(f"stream/{query}", headers={"Last-Event-ID": last})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
