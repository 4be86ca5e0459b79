"""Processes share the buckets: each is stored by one, whoever comes, goes, freezes or stops."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.stream import StreamUnavailable
from services.common.tasks import background
from services.projector.product_events.backlog import BUSY_SECONDS, SOON_SECONDS, Pace
from services.projector.product_events.ingest import Step
from tests.services.projector.product_events.setup import Servers, event
from tests.services.projector.product_events.sharing import (
    MAKE_BUCKETS,
    ProcessThread,
    Stories,
    holds,
    once_and_in_order,
    process,
    stored,
    tell,
)
from tests.waiting import seen

pytestmark = pytest.mark.anyio


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(MAKE_BUCKETS)
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def test_one_that_comes_gets_its_share_and_leaves_it_when_it_goes(servers: Servers) -> None:
    told: Stories = {}
    first, second = process(servers), process(servers)
    async with background("first", first.run()):
        assert set(await holds(first, 4)) == {0, 1, 2, 3}
        last = await tell(servers, told, "alone")
        async with background("second", second.run()):
            # The newest of the first's go over, in the middle of the stories.
            assert set(await holds(second, 2)) == {2, 3}
            assert set(await holds(first, 2)) == {0, 1}
            await stored(servers, await tell(servers, told, "both"))
            await once_and_in_order(servers, told)
        last = await tell(servers, told, "alone again")
        assert set(await holds(first, 4)) == {0, 1, 2, 3}
        await stored(servers, last)
    await once_and_in_order(servers, told)
    assert await servers.tables("SELECT count(*) FROM projector_members") == [(0,)]


@contextmanager
def running(one: ProcessThread) -> Iterator[None]:
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        yield
    finally:
        one.thaws.set()
        one.ends.set()
        thread.join(180)


@pytest.mark.parametrize("step", ["range fixed", "events inserted", "marks moved"])
async def test_the_buckets_of_a_frozen_process_go_on_elsewhere(
    servers: Servers, nats_url: str, server_folder: Path, step: Step
) -> None:
    told: Stories = {}
    engine = f"chdb://{server_folder / 'chdb'}?database={servers.clickhouse.database}"
    frozen, other = ProcessThread(servers, nats_url, engine, step), process(servers)
    with running(frozen):
        await asyncio.to_thread(_holds_all, frozen)
        async with background("other", other.run()):
            await holds(other, 2)
            frozen.armed.set()
            last = await tell(servers, told, "frozen")
            assert await asyncio.to_thread(frozen.froze.wait, 120)
            await holds(other, 4)
            await stored(servers, last)
            await once_and_in_order(servers, told)
            frozen.thaws.set()
            # It is one of two again.
            await holds(other, 2)
            await stored(servers, await tell(servers, told, "thawed"))
            await once_and_in_order(servers, told)


def _holds_all(one: ProcessThread) -> None:
    for _ in range(6_000):
        if len(one.held) == 4:
            return
        threading.Event().wait(0.02)
    raise AssertionError(one.held)


async def test_a_bucket_that_stops_or_waits_holds_up_no_other(servers: Servers) -> None:
    told: Stories = {}
    waits = True

    def fails(bucket: int, step: Step) -> None:
        if bucket == 2 and step == "uuids looked up":
            raise ZeroDivisionError("a defect")
        if bucket == 3 and step == "uuids looked up" and waits:
            raise StreamUnavailable("its cable hangs")

    shared = process(servers, fails)

    async def troubles() -> list[str]:
        return sorted(shared.troubles())

    async with background("shared", shared.run()):
        last = await tell(servers, told, "two of four")
        await stored(servers, {bucket: last[bucket] for bucket in (0, 1)})
        found = await seen(troubles, lambda told: len(told) == 2)
        assert found == [
            "product events of bucket 2 are not stored any more: a defect",
            "product events of bucket 3 wait: StreamUnavailable: its cable hangs",
        ]
        waits = False
        await stored(servers, {3: last[3]})
        # Another process may have better luck with it.
        other = process(servers)
        async with background("other", other.run()):
            await stored(servers, last)
    await once_and_in_order(servers, told)


async def test_a_bucket_is_told_by_its_projects_and_stored_days(servers: Servers) -> None:
    shared = process(servers)
    async with background("shared", shared.run()):
        await stored(servers, {1: await servers.send([event(), event()], 5, bucket=1)})
    assert await servers.tables("SELECT bucket, events FROM bucket_days") == [(1, 2)]


def test_a_trickle_into_many_buckets_is_gathered() -> None:
    assert Pace(gathers=False).pause() == 0
    pace = Pace(gathers=True)
    assert pace.pause() == SOON_SECONDS
    pace.stored()
    assert SOON_SECONDS < pace.pause() <= BUSY_SECONDS
