"""The log: appends through the writer against the stock recorder's one transaction per append.

Both on one PostgreSQL with its real settings, on a unix socket, with payloads of the same size.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from uuid import uuid4

import msgspec
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from contracts.codec import encode_event, stored_name
from contracts.events.insight import InsightRenamed
from contracts.events.recorded import Stream, StreamKind, UserActor
from services.common.migrate import migrate
from services.common.store import Append, EventStore, Part
from services.embedded import postgres
from services.embedded.account import account_for
from tests import servers

SECONDS = 3.0
MANY = 64

FACT = InsightRenamed(name="Sign-ups by country, last 30 days", previous="Funnel")
ANNA = UserActor(user_id=7, key_id="phx_key_1")


class Rate(msgspec.Struct, frozen=True):
    """Appends per second and the median wait of one, in milliseconds."""

    per_second: float
    p50_ms: float

    def __str__(self) -> str:
        return f"{self.per_second:9,.0f}/s  p50 {self.p50_ms:6.2f} ms"


def _rate(waits: list[float], seconds: float) -> Rate:
    return Rate(len(waits) / seconds, statistics.median(waits) * 1000)


async def _produce(
    append: Callable[[int, int], Awaitable[object]], producer: int, until: float
) -> list[float]:
    waits = []
    version = 0
    while (began := perf_counter()) < until:
        await append(producer, version)
        version += 1
        waits.append(perf_counter() - began)
    return waits


async def through_the_writer(url: str, producers: int, first: int) -> Rate:
    """Each producer appends to a stream of its own. first: of the streams' numbers."""

    async with EventStore.open(url) as store:

        async def append(producer: int, version: int) -> None:
            stream = Stream(StreamKind.INSIGHT, 1, first + producer)
            operation = uuid4()
            await store.append(
                Append(
                    parts=(Part(stream, version, (FACT,)),),
                    actor=ANNA,
                    operation_id=operation,
                    correlation_id=operation,
                )
            )

        began = perf_counter()
        until = began + SECONDS
        waits = await asyncio.gather(*(_produce(append, n, until) for n in range(producers)))
        return _rate([wait for each in waits for wait in each], perf_counter() - began)


def one_transaction_each(recorder: PostgresApplicationRecorder, producers: int) -> Rate:
    """The same with the library's recorder as it comes, a thread and a connection per producer."""
    topic, state = stored_name(FACT), encode_event(FACT)
    began = perf_counter()
    until = began + SECONDS

    def produce(_: int) -> list[float]:
        stream = uuid4()
        waits: list[float] = []
        while (start := perf_counter()) < until:
            recorder.insert_events([StoredEvent(stream, len(waits) + 1, topic, state)])
            waits.append(perf_counter() - start)
        return waits

    with ThreadPoolExecutor(producers) as threads:
        waits = [wait for each in threads.map(produce, range(producers)) for wait in each]
    return _rate(waits, perf_counter() - began)


@contextmanager
def _stock_recorder(url: str) -> Iterator[PostgresApplicationRecorder]:
    parts = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=5432,
        user=str(parts["user"]),
        password="",
        pool_size=MANY,
    )
    with datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        yield recorder


def main() -> None:
    """Prints one line per comparison, with its goal."""
    with servers.server_folder() as folder:
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            _appends(server.url)
        finally:
            server.stop()


def _appends(url: str) -> None:
    with _stock_recorder(url) as recorder:
        for producers, first in ((MANY, 1), (1, 1000)):
            each = one_transaction_each(recorder, producers)
            grouped = uvloop.run(through_the_writer(url, producers, first))
            print(f"appends, {producers} producers")
            print(f"  one transaction each  {each}")
            print(f"  through the writer    {grouped}")
            if producers == 1:
                print(f"  time: {grouped.p50_ms / each.p50_ms:.2f}x (goal: at most 1.5x)")
            else:
                ratio = grouped.per_second / each.per_second
                print(f"  rate: {ratio:.1f}x (goal: at least 15x, p50 at most 5 ms)")


if __name__ == "__main__":
    main()
