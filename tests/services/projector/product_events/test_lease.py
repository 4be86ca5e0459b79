"""A holder of the lease that freezes: another one goes on soon, and the first, thawed, doubles
nothing.
"""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.stream import capture_stream
from services.projector.product_events.follower import AWAY, ProductEvents
from services.projector.product_events.ingest import Step
from services.projector.product_events.lease import LeaseLost, LeaseTerms, lease
from tests.services.projector.product_events.setup import Servers
from tests.services.projector.product_events.stories import story
from tests.services.projector.product_events.test_crashes import stored_as_told

pytestmark = pytest.mark.anyio

SECONDS = 1.0
TERMS = LeaseTerms(SECONDS)
TERMS = LeaseTerms(SECONDS)


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


class Frozen:
    """A projector in a thread and a loop of its own, all of which stops at a step: nothing of it
    moves, its lease's renewal neither, until it thaws.
    """

    def __init__(self, servers: Servers, nats_url: str, engine: str, at: Step) -> None:
        self.error: BaseException | None = None
        self.froze = threading.Event()
        self.thaws = threading.Event()
        self._servers = servers
        self._nats_url = nats_url
        self._engine = engine
        self._at = at

    def run(self, until: int) -> None:
        try:
            asyncio.run(self._follow(until))
        except AWAY as cause:
            self.error = cause

    async def _follow(self, until: int) -> None:
        bus = await connect_bus(self._nats_url, "frozen")
        try:
            async with await ClickHouse.open(self._engine) as clickhouse:
                events = ProductEvents(
                    self._servers.postgres_url,
                    bus,
                    clickhouse,
                    prefix=self._servers.prefix,
                    at=self._step,
                    lease_seconds=SECONDS,
                )
                await events.follow(until=until)
        finally:
            await bus.close()

    def _step(self, step: Step) -> None:
        if step == self._at:
            self.froze.set()
            self.thaws.wait(120)


@contextmanager
def frozen(one: Frozen, until: int) -> Iterator[None]:
    thread = threading.Thread(target=one.run, args=(until,))
    thread.start()
    try:
        yield
    finally:
        one.thaws.set()
        thread.join(120)


@pytest.mark.parametrize("step", [step for step in get_args(Step) if step != "committed"])
async def test_another_goes_on_while_the_holder_is_frozen(
    servers: Servers, nats_url: str, server_folder: Path, step: Step
) -> None:
    told = story(random.Random(f"frozen {step}"), 30)
    last = await servers.send(told)
    engine = f"chdb://{server_folder / 'chdb'}?database={servers.clickhouse.database}"
    holder = Frozen(servers, nats_url, engine, step)
    with frozen(holder, last):
        assert await asyncio.to_thread(holder.froze.wait, 120)
        async with asyncio.timeout(120):
            await servers.projector().follow(until=last)
        await stored_as_told(servers, told)
    assert isinstance(holder.error, AWAY)
    await stored_as_told(servers, told)


async def test_a_holder_that_lives_is_left_alone(servers: Servers) -> None:
    name, waited = capture_stream(servers.prefix), asyncio.Event()
    async with lease(servers.postgres_url, name, lambda: None, TERMS) as held:
        second = lease(servers.postgres_url, name, waited.set, TERMS)
        waiting = asyncio.create_task(second.__aenter__())
        await waited.wait()
        # Three times the time after which a silent one is ended.
        await asyncio.sleep(3 * SECONDS)
        assert not waiting.done()
        held.check()
        assert await (await held.conn.execute("SELECT 1")).fetchone() == (1,)
    newer = await waiting
    assert newer.epoch == held.epoch + 1
    await second.__aexit__(None, None, None)


async def test_what_is_not_renewed_is_lost(servers: Servers) -> None:
    name = capture_stream(servers.prefix)
    async with lease(servers.postgres_url, name, lambda: None, TERMS) as held:
        async with await psycopg.AsyncConnection.connect(
            servers.postgres_url, autocommit=True
        ) as conn:
            await conn.execute("UPDATE ingest_leases SET epoch = epoch + 1")
        await asyncio.sleep(1.5 * SECONDS)
        with pytest.raises(LeaseLost):
            held.check()
