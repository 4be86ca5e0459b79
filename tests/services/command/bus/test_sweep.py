"""The sweep: once after every start, by one process of many, and on from where one was killed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from contracts.subjects import FACTS_STREAM
from services.command.bus import rows
from services.command.bus.facts_bus import FactsBus
from services.command.bus.rebuilding import REBUILDS
from services.command.bus.sweeping import AGAIN_AFTER, Sweep
from services.common.tasks import background
from tests import servers
from tests.services.command.bus.setup import facts_bus, fill, published
from tests.services.command.relay_process import Orders, dies_at
from tests.waiting import seen

FACTS, BATCH = 200, 50


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
async def own_nats_url(server_url: str, postgres_url: str) -> AsyncIterator[str]:
    """A public stream that nobody has swept yet."""
    await fill(postgres_url, FACTS)
    async with published(postgres_url, server_url, sweep=0):
        pass
    yield server_url
    async with facts_bus(postgres_url, server_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)


class Looks:
    """Sweeps, and the positions that they got to, one for each batch."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.found = 0

    @asynccontextmanager
    async def sweeping(self, bus: FactsBus) -> AsyncIterator[Sweep]:
        sweep = Sweep(bus, lambda: FACTS, self._tell, per_second=BATCH, crash_at=self._look)
        self._position: Callable[[], int] = lambda: sweep.position
        async with background("sweep", sweep.run()):
            yield sweep

    def _tell(self) -> None:
        self.found += 1

    def _look(self, point: str) -> None:
        self.positions.append(self._position())


async def is_swept(bus: FactsBus) -> bool:
    row = await rows.stream_row(bus)
    return row is not None and row.swept_at is not None


async def test_of_many_processes_one_sweeps(postgres_url: str, own_nats_url: str) -> None:
    looks = [Looks() for _ in range(3)]
    async with (
        facts_bus(postgres_url, own_nats_url) as bus,
        looks[0].sweeping(bus) as first,
        looks[1].sweeping(bus) as second,
        looks[2].sweeping(bus) as third,
    ):

        async def positions() -> list[int]:
            return [first.position, second.position, third.position]

        await seen(positions, lambda found: found == [FACTS] * 3)
    swept = sorted(len(each.positions) for each in looks)
    assert swept == [0, 0, FACTS // BATCH]


async def test_a_sweep_that_is_killed_goes_on_and_comes_round(
    postgres_url: str, own_nats_url: str
) -> None:
    orders = Orders(
        postgres_url=postgres_url,
        nats_url=own_nats_url,
        sweep_per_second=BATCH,
        die_at="swept",
        die_after=3,
    )
    assert await asyncio.to_thread(dies_at, orders) == "swept"
    looks = Looks()
    async with facts_bus(postgres_url, own_nats_url) as bus:
        row = await rows.stream_row(bus)
        assert row is not None
        assert (row.swept, row.swept_at) == (3 * BATCH, None)
        async with looks.sweeping(bus):
            await seen(lambda: is_swept(bus), bool)
    # What was swept before the kill may have been damaged since.
    assert looks.positions == [4 * BATCH, BATCH, 2 * BATCH, 3 * BATCH]


async def test_a_hole_is_told_once_and_written_down(postgres_url: str, own_nats_url: str) -> None:
    looks = Looks()
    async with facts_bus(postgres_url, own_nats_url) as bus:
        await bus.client.jetstream().delete_msg(FACTS_STREAM, 60)
        async with looks.sweeping(bus):

            async def hole() -> int | None:
                row = await rows.stream_row(bus)
                return None if row is None else row.hole

            assert await seen(hole, lambda found: found is not None) == 60
    assert looks.positions == [BATCH]
    assert looks.found >= 1


async def test_it_is_due_again_after_a_day(postgres_url: str, own_nats_url: str) -> None:
    async with facts_bus(postgres_url, own_nats_url) as bus:
        started = await rows.database_time(bus)
        assert await rows.is_sweep_due(bus, started, AGAIN_AFTER)
        await rows.swept_whole(bus, FACTS)
        assert not await rows.is_sweep_due(bus, started, AGAIN_AFTER)
        assert await rows.is_sweep_due(bus, started, timedelta(0)), "a day later"
        assert await rows.is_sweep_due(bus, await rows.database_time(bus), AGAIN_AFTER), "a start"


async def test_the_message_of_an_erased_entry_may_be_gone(
    postgres_url: str, own_nats_url: str
) -> None:
    before = REBUILDS._value.get()
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("UPDATE log SET salt = '' WHERE notification_id IN (1, 7, 200)")
    async with facts_bus(postgres_url, own_nats_url) as bus:
        for position in (1, 7, 200):
            await bus.client.jetstream().delete_msg(FACTS_STREAM, position)
    async with published(postgres_url, own_nats_url) as (_, running):
        assert (running.swept, running.holes) == (FACTS, 0)
    assert REBUILDS._value.get() == before
    async with facts_bus(postgres_url, own_nats_url) as bus:
        await bus.client.jetstream().delete_msg(FACTS_STREAM, 8)
    async with published(postgres_url, own_nats_url):
        assert REBUILDS._value.get() == before + 1
