"""The log: a fact's way from commit to subscriber; appends through the writer and one by one.

On one PostgreSQL with its real settings, on a unix socket; both sides append the same payload.
One by one is what the library's recorder does as it comes: a transaction per append.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, count
from time import perf_counter
from uuid import uuid4

import msgspec
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from contracts.codec import encode_event, stored_name
from contracts.events.insight import InsightRenamed
from contracts.events.recorded import DomainEvent, UserActor
from contracts.events.streams import Stream, StreamKind, insight_stream
from contracts.subjects import FACTS_SUBJECTS
from services.command.relay import relaying
from services.common.bus import connect_bus
from services.common.log.store import BELL_CHANNEL, Append, AppendPart, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.postgres.migrate import migrate
from services.common.stream import ensure_facts_stream
from services.embedded import nats, postgres
from services.embedded.account import account_for
from tests import servers

# Both sides take turns, so that whatever else the machine does meets both.
ROUNDS = 6
SECONDS = 0.5
MANY = 64
# Commits that are watched on their way to a subscriber, one at a time.
WATCHED = 300
PAUSE_SECONDS = 0.01

FACT = InsightRenamed(name="Sign-ups by country, last 30 days", previous="Funnel")
ANNA = UserActor(user_id=7, key_id="phx_key_1")

# Each run writes to streams that are new.
_projects = count(1)


class Waits(msgspec.Struct):
    """How long each append took, in seconds, and how long all of them together."""

    each: list[float] = msgspec.field(default_factory=list)
    seconds: float = 0.0

    def add(self, waits: Iterable[float], seconds: float) -> None:
        self.each.extend(waits)
        self.seconds += seconds

    @property
    def per_second(self) -> float:
        return len(self.each) / self.seconds

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.each) * 1000

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.each, n=100)[98] * 1000

    def __str__(self) -> str:
        return f"{self.per_second:8,.0f}/s  p50 {self.p50_ms:7.2f} ms  p99 {self.p99_ms:7.2f} ms"


async def produce(
    append: Callable[[int, int], Awaitable[object]], producer: int, until: float
) -> list[float]:
    waits = []
    version = 0
    while (began := perf_counter()) < until:
        await append(producer, version)
        version += 1
        waits.append(perf_counter() - began)
    return waits


async def through_the_writer(url: str, producers: int, into: Waits) -> None:
    """Each producer appends to a new stream of its own."""
    async with EventStore.open(url) as store:
        project = next(_projects)

        async def append(producer: int, version: int) -> None:
            await store.append(rename(Stream(StreamKind.INSIGHT, project, producer), version))

        began = perf_counter()
        until = began + SECONDS
        waits = await asyncio.gather(*(produce(append, n, until) for n in range(producers)))
        into.add(chain.from_iterable(waits), perf_counter() - began)


def rename(stream: Stream[DomainEvent], after: int | None) -> Append:
    operation = uuid4()
    return Append(
        parts=(AppendPart(stream, after, (FACT,)),),
        actor=ANNA,
        operation_id=operation,
        correlation_id=operation,
    )


def one_transaction_each(
    recorder: PostgresApplicationRecorder, producers: int, into: Waits
) -> None:
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
        waits = list(threads.map(produce, range(producers)))
    into.add(chain.from_iterable(waits), perf_counter() - began)


async def to_a_subscriber(url: str, nats_url: str) -> Waits:
    """From an append's answer until a subscriber has the fact; the log is empty, the rest idle."""
    bell = Bell(url, BELL_CHANNEL)
    delays = Waits()
    async with EventStore.open(url) as store, pool(url) as connections, bell.listening():
        client = await connect_bus(nats_url, "bench")
        name = await ensure_facts_stream(client)
        subscription = await client.jetstream().subscribe(
            FACTS_SUBJECTS, stream=name, ordered_consumer=True
        )
        stream = insight_stream(next(_projects), 1)
        async with relaying(store, connections, client, bell):
            began = perf_counter()
            for version in range(WATCHED):
                await store.append(rename(stream, version))
                committed = perf_counter()
                await subscription.next_msg(timeout=10)
                delays.each.append(perf_counter() - committed)
                await asyncio.sleep(PAUSE_SECONDS)
            delays.seconds = perf_counter() - began
        await client.close()
    return delays


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
    """Prints one block per comparison, with its goal."""
    with servers.server_folder() as folder:
        account = account_for(folder)
        server = postgres.start(folder / "postgres", account)
        try:
            migrate(server.url)
            bus = nats.start(folder / "nats", account)
            try:
                _watch(server.url, bus.url)
            finally:
                bus.stop()
            with _stock_recorder(server.url) as recorder:
                _compare(server.url, recorder, MANY)
                _compare(server.url, recorder, 1)
        finally:
            server.stop()


def _compare(url: str, recorder: PostgresApplicationRecorder, producers: int) -> None:
    each, grouped = Waits(), Waits()
    for _ in range(ROUNDS):
        one_transaction_each(recorder, producers, each)
        uvloop.run(through_the_writer(url, producers, grouped))
    print(f"log: appends by {producers} at once")
    print(f"  one transaction each  {each}")
    print(f"  through the writer    {grouped}")
    if producers == 1:
        print(f"  time  {grouped.p50_ms / each.p50_ms:.2f}x  (goal: at most 1.5x)")
    else:
        ratio = grouped.per_second / each.per_second
        print(f"  rate  {ratio:.1f}x  (goal: at least 15x, p50 at most 5 ms)")


def _watch(url: str, nats_url: str) -> None:
    delays = uvloop.run(to_a_subscriber(url, nats_url))
    print("log: from commit to a subscriber, idle")
    print(f"  p50 {delays.p50_ms:.2f} ms  p99 {delays.p99_ms:.2f} ms  (goal: p99 at most 100 ms)")


if __name__ == "__main__":
    main()
