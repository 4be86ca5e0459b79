"""The public stream: what publishing a fact costs, and what sweeping one does, in CPU of ours.

Against reading the same facts from the log, which both do first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import uvloop

from contracts.events.insight import InsightRenamed
from contracts.events.recorded import UserActor
from contracts.events.streams import insight_stream
from services.command.bus.facts_bus import FactsBus
from services.command.bus.publisher import MOST_ENTRIES, Publisher
from services.command.bus.rebuilding import rebuild
from services.command.bus.sweeping import Sweep
from services.common.bus import connect_bus
from services.common.log.store import Append, AppendPart, EventStore
from services.common.postgres.database import pool
from services.common.postgres.migrate import migrate
from services.common.tasks import background
from services.embedded import nats, postgres
from services.embedded.account import account_for
from tests import servers

FACTS = 20_000
STREAMS = 100
ROUNDS = 3
# So many at a time, as the setting's default.
PER_SECOND = 500
FACT = InsightRenamed(name="Sign-ups by country, last 30 days", previous="Funnel")
ANNA = UserActor(user_id=7, key_id="phx_key_1")


class Cost:
    """Seconds of this process's CPU, and of the clock, that some facts took."""

    def __init__(self) -> None:
        self.cpu = self.seconds = float("inf")

    async def of(self, work: Callable[[], Awaitable[object]]) -> None:
        """The least of several times is kept: the machine is shared."""
        began, cpu = time.perf_counter(), time.process_time()
        await work()
        self.cpu = min(self.cpu, time.process_time() - cpu)
        self.seconds = min(self.seconds, time.perf_counter() - began)

    @property
    def each(self) -> float:
        """Microseconds of CPU a fact."""
        return self.cpu / FACTS * 1e6

    def __str__(self) -> str:
        return f"{self.each:5.1f} us of CPU a fact, {FACTS / self.seconds:8,.0f} a second"


async def fill(store: EventStore) -> None:
    async def one(number: int) -> None:
        stream = insight_stream(1, number)
        for version in range(0, FACTS // STREAMS, 50):
            operation = uuid4()
            part = AppendPart(stream, version, (FACT,) * 50)
            await store.append(
                Append(parts=(part,), actor=ANNA, operation_id=operation, correlation_id=operation)
            )

    await asyncio.gather(*(one(number) for number in range(1, STREAMS + 1)))


async def read(store: EventStore) -> None:
    after = 0
    while entries := await store.entries(after, MOST_ENTRIES):
        after = entries[-1].position


async def sweep(bus: FactsBus) -> None:
    """As fast as it can."""
    async with bus.pool.connection() as conn:
        await conn.execute("UPDATE bus_streams SET swept = 0, swept_at = NULL")
    ended = asyncio.Event()
    swept = Sweep(
        bus,
        lambda: FACTS,
        ended.set,
        per_second=1_000_000,
        crash_at=lambda point: ended.set() if swept.position == FACTS else None,
    )
    async with background("sweep", swept.run()):
        await ended.wait()
    if swept.position != FACTS:
        raise AssertionError("the stream is not whole")


async def measure(url: str, nats_url: str) -> None:
    client = await connect_bus(nats_url, "bench")
    reading, publishing, sweeping = Cost(), Cost(), Cost()
    async with EventStore.open(url) as store, pool(url) as connections:
        bus = FactsBus(store=store, pool=connections, client=client)
        await fill(store)
        for _ in range(ROUNDS):
            await reading.of(lambda: read(store))
            await publishing.of(lambda: rebuild(bus, Publisher(bus), "bench", asked=True))
            await sweeping.of(lambda: sweep(bus))
    await client.close()
    print(f"bus: {FACTS:,} facts")
    print(f"  read from the log  {reading}")
    print(f"  published          {publishing}")
    print(f"  swept              {sweeping}")
    print(f"  publishing : reading  {publishing.each / reading.each:.1f}x  (goal: at most 8x)")
    print(f"  sweeping : reading    {sweeping.each / reading.each:.1f}x  (goal: at most 8x)")
    day = sweeping.each * PER_SECOND / 1e6
    print(f"  a sweep at {PER_SECOND}/s takes {day:.3f} of a core  (goal: at most 0.05)")


def main() -> None:
    """Prints one block, with its goals."""
    with servers.server_folder() as folder:
        account = account_for(folder)
        server = postgres.start(folder / "postgres", account)
        try:
            migrate(server.url)
            bus = nats.start(folder / "nats", account)
            try:
                uvloop.run(measure(server.url, bus.url))
            finally:
                bus.stop()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
