"""Proofs: verifying a log, one walk against ranges side by side; appends with trees and without.

In one run on one PostgreSQL, both sides in turn. An archive is verified by the one-file verifier.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time
from uuid import uuid4

from contracts.cloud_events import encode_cloud_event, event_source
from contracts.events.insight import InsightRenamed
from contracts.events.recorded import UserActor
from contracts.events.streams import insight_stream
from services.common.log.entries import entries
from services.common.log.proving import verify
from services.common.log.store import Append, AppendPart, EventStore
from services.common.log.verify import ChainWalk, Verification
from services.common.postgres.database import Pool, pool
from services.common.verifying import offline
from services.projector.proofs.projection import PACE_SECONDS, catch_up
from tests import servers

FACTS = 250_000
PER_APPEND = 250
ROUNDS = 3
APPENDS = 1_000
SIDE_BY_SIDE = 16
ANNA = UserActor(user_id=7, key_id="phx_key_1")
FACT = InsightRenamed(name="Sign-ups by country, last 30 days", previous="Funnel")


async def append(store: EventStore, number: int, facts: int = 1) -> None:
    operation = uuid4()
    parts = (AppendPart(insight_stream(1, number % 5_000), None, (FACT,) * facts),)
    await store.append(
        Append(parts=parts, actor=ANNA, operation_id=operation, correlation_id=operation)
    )


async def walked(url: str, connections: Pool) -> int:
    walk = ChainWalk()
    while page := await entries(connections, walk.position, 2_000):
        for entry in page:
            walk.take(entry)
    return walk.position


async def side_by_side(url: str, connections: Pool) -> int:
    *_, verified = [step async for step in verify(url)]
    assert isinstance(verified, Verification)
    return verified.entries


async def timed(work: Callable[[str, Pool], Awaitable[int]], url: str, connections: Pool) -> float:
    """Entries a second."""
    begun = perf_counter()
    count = await work(url, connections)
    return count / (perf_counter() - begun)


async def verifying(url: str, connections: Pool) -> None:
    rates: dict[str, list[float]] = {"one walk": [], "side by side": []}
    for _ in range(ROUNDS):
        rates["one walk"].append(await timed(walked, url, connections))
        rates["side by side"].append(await timed(side_by_side, url, connections))
    ratios = [after / before for before, after in zip(*rates.values(), strict=True)]
    for name, found in rates.items():
        print(f"verify, {name}: {statistics.median(found):,.0f} entries a second")
    print(f"verify, ratio: {statistics.median(ratios):.2f} (goal: 100,000 a second on two cores)")


async def archived(connections: Pool) -> None:
    source, lines = event_source(uuid4(), 1), list[bytes]()
    while page := await entries(connections, len(lines), 2_000):
        lines += [encode_cloud_event(entry, source) + b"\n" for entry in page]
    begun = process_time()
    outcome = offline.verify(lines, [], [])
    rate = outcome.entries / (process_time() - begun)
    print(f"verify, one file offline: {rate:,.0f} events a second and core")


async def appending(store: EventStore, connections: Pool) -> None:
    """Appends by several writers while the trees grow at the projector's pace, or do not."""

    async def grow() -> None:
        while True:
            async with connections.connection() as conn:
                await catch_up(conn)
            await asyncio.sleep(PACE_SECONDS)

    async def writers() -> float:
        numbers = iter(range(APPENDS))

        async def writer() -> None:
            for number in numbers:
                await append(store, number)

        begun = perf_counter()
        await asyncio.gather(*(writer() for _ in range(SIDE_BY_SIDE)))
        return APPENDS / (perf_counter() - begun)

    ratios = []
    for turn in range(20):
        rates: dict[bool, float] = {}
        for with_trees in (turn % 2 == 0, turn % 2 == 1):
            task = asyncio.create_task(grow()) if with_trees else None
            rates[with_trees] = await writers()
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        ratios.append(rates[True] / rates[False])
    print(f"append, with trees against without: {statistics.median(ratios):.3f} (goal: 0.95)")


async def run(url: str) -> None:
    async with pool(url, size=4) as connections, EventStore.open(url) as store:
        for number in range(FACTS // PER_APPEND):
            await append(store, number, PER_APPEND)
        async with connections.connection() as conn:
            begun = process_time()
            await catch_up(conn)
            cost = (process_time() - begun) / FACTS * 1e6
        print(f"trees: {cost:.1f} µs of CPU a fact in the projector")
        await verifying(url, connections)
        await archived(connections)
        await appending(store, connections)


def main() -> None:
    with (
        servers.server_folder() as folder,
        servers.postgres_server(folder) as databases,
        databases.migrated() as url,
    ):
        asyncio.run(run(url))


if __name__ == "__main__":
    main()
