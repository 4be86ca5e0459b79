"""A public stream on a nats-server of the test's own, its files, and a reader who keeps count."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import nats.errors
from msgspec import Raw
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from contracts.chain import BEGINNING, Entry, Link, follow
from contracts.cloud_events import decode_cloud_event, entry_of
from contracts.events.insight import InsightFiltersChanged
from contracts.json import EMPTY_OBJECT
from contracts.subjects import FACTS_STREAM
from services.command.bus.facts_bus import FactsBus
from services.command.relay import RunningRelay, relaying
from services.common.bus import connect_bus
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.stream import KEEP_ALL, FactsOptions, Keep
from services.common.tasks import stop
from tests.services.common.log.appends import append, created, insight, to
from tests.waiting import seen

# As fast as the sweep can: the tests' logs are short.
SWEEP = 100_000
AWAY = (nats.errors.Error, js_errors.Error, TimeoutError, OSError)


@asynccontextmanager
async def facts_bus(postgres_url: str, nats_url: str) -> AsyncIterator[FactsBus]:
    client = await connect_bus(nats_url, "test")
    try:
        async with EventStore.open(postgres_url) as store, pool(postgres_url) as connections:
            yield FactsBus(store=store, pool=connections, client=client)
    finally:
        # A server waits for clients that are left behind, at its end.
        await client.close()


@asynccontextmanager
async def relay(
    postgres_url: str, nats_url: str, *, sweep: int = SWEEP, keep: Keep = KEEP_ALL
) -> AsyncIterator[tuple[FactsBus, RunningRelay]]:
    """A relay that has just been started."""
    bell = Bell(postgres_url, BELL_CHANNEL)
    async with (
        facts_bus(postgres_url, nats_url) as bus,
        bell.listening(),
        relaying(
            bus.store, bus.pool, bus.client, bell, options=FactsOptions(keep, sweep)
        ) as running,
    ):
        yield bus, running


@asynccontextmanager
async def published(
    postgres_url: str, nats_url: str, *, sweep: int = SWEEP, keep: Keep = KEEP_ALL
) -> AsyncIterator[tuple[FactsBus, RunningRelay]]:
    """A relay that has published all that the log holds, and swept it."""
    async with relay(postgres_url, nats_url, sweep=sweep, keep=keep) as (bus, running):
        await until_whole(bus, running, swept=sweep > 0)
        yield bus, running


async def until_whole(bus: FactsBus, running: RunningRelay, *, swept: bool = True) -> None:
    """Returns when the stream holds what the log holds, and the relay and its sweep know it."""
    head = await bus.store.head()

    async def state() -> tuple[int, bool, bool]:
        try:
            found = (await bus.client.jetstream().stream_info(FACTS_STREAM)).state
        except AWAY:  # not yet, or being made anew
            return -1, False, False
        looked = running.is_whole and running.published == head
        return found.last_seq, looked, not swept or running.swept == head

    await seen(state, lambda found: found == (head, True, True), 30)


async def fill(postgres_url: str, count: int, first: int = 1, padding: int = 0) -> None:
    """Facts of so many insights, two of each; the second one's payload is so large."""
    async with EventStore.open(postgres_url) as store:
        for number in range(first, first + count // 2):
            filters = Raw(b'{"x":"' + bytes([97 + number % 26]) * padding + b'"}')
            large = InsightFiltersChanged(filters=filters, previous=EMPTY_OBJECT)
            await store.append(append(to(insight(number), 0, created(number), large)))


def stream_folder(folder: Path) -> Path:
    """Where the server keeps the stream, whichever account it is of."""
    (found,) = folder.glob(f"nats/jetstream/*/streams/{FACTS_STREAM}")
    return found


def blocks(folder: Path) -> list[Path]:
    """The stream's files of messages, oldest first."""
    found = (stream_folder(folder) / "msgs").glob("*.blk")
    return sorted(found, key=lambda path: int(path.stem))


def without_index(folder: Path) -> None:
    (stream_folder(folder) / "msgs" / "index.db").unlink()


class Subscriber:
    """A durable consumer's reader: acknowledges each entry, drops what it has had, leaves what
    comes too early until it is sent again, and stops at what does not follow.

    most: where it stops by itself, in the middle of what it was sent.
    """

    def __init__(self, client: Client, durable: str = "warehouse", most: int | None = None) -> None:
        self.kept: list[Entry] = []
        self._most = most
        self._task: asyncio.Task[None] | None = None
        self.doubles = 0
        self.end = BEGINNING
        self._client = client
        self._durable = durable

    @asynccontextmanager
    async def reading(self) -> "AsyncIterator[asyncio.Task[None]]":
        """The task ends by an error at a gap."""
        self._task = task = asyncio.create_task(self._read())
        try:
            yield task
        finally:
            await stop(task)

    async def reach(self, head: int) -> None:
        """Raises what has ended the reading, which is at most a gap."""

        async def count() -> int:
            if self._task is not None and self._task.done():
                self._task.result()
            return len(self.kept)

        await seen(count, lambda found: found >= head, 60)

    async def _read(self) -> None:
        stream = self._client.jetstream()
        subscription: JetStreamContext.PullSubscription | None = None
        while True:
            try:
                if subscription is None:
                    subscription = await stream.pull_subscribe(
                        "insights.>",
                        durable=self._durable,
                        stream=FACTS_STREAM,
                        # Who stops in the middle of a batch gets the rest of it soon again.
                        config=ConsumerConfig(ack_wait=2),
                    )
                messages = await subscription.fetch(50, timeout=1)
                for message in messages:
                    if len(self.kept) == self._most:
                        return
                    if self._takes(message.data):
                        await message.ack_sync()
            except AWAY:
                await asyncio.sleep(0.05)

    def _takes(self, data: bytes) -> bool:
        """Whether it needs it no more. Others may come first after those that were sent already."""
        try:
            entry = entry_of(decode_cloud_event(data))
        except msgspec.DecodeError:  # a stranger's
            return True
        if entry.team_seq > self.end.team_seq + 1:
            return False
        if entry.team_seq <= self.end.team_seq:
            self.doubles += 1
        else:
            self.end = follow(self.end, entry)
            self.kept.append(entry)
        return True


async def read_all(bus: FactsBus, first: int = 1) -> list[Entry]:
    """Every message from this position on, its sequence its position, each following the others."""
    last = (await bus.client.jetstream().stream_info(FACTS_STREAM)).state.last_seq
    subscription = await bus.client.jetstream().subscribe(
        "insights.>", stream=FACTS_STREAM, ordered_consumer=True
    )
    entries = []
    for position in range(first, last + 1):
        message = await subscription.next_msg(timeout=30)
        entry = entry_of(decode_cloud_event(message.data))
        assert message.metadata.sequence.stream == entry.position == position
        entries.append(entry)
    await subscription.unsubscribe()
    end = Link(entries[0].team_seq - 1, entries[0].previous) if entries else BEGINNING
    for entry in entries:
        end = follow(end, entry)
    return entries


async def durable_names(client: Client) -> list[str]:
    try:
        found = await client.jetstream().consumers_info(FACTS_STREAM)
    except NotFoundError:
        return []
    return [one.name for one in found]
