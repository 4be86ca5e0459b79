"""The public stream on a real nats-server: each entry once, in order, its sequence its position."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from msgspec import UNSET, Raw
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from contracts.chain import BEGINNING, Entry, verify
from contracts.cloud_events import (
    MEDIA_TYPE,
    decode_cloud_event,
    encode_cloud_event,
    entry_of,
    event_source,
)
from contracts.events.insight import InsightFiltersChanged
from contracts.json import EMPTY_OBJECT, NULL, is_null
from contracts.subjects import FACTS_STREAM, HASH_HEADER, fact_subject
from services.command.bus.publisher import MOST_ENTRIES
from services.command.relay import RunningRelay, relaying
from services.common.bus import connect_bus
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.postgres.installation import installation
from tests.services.command.relay_process import Orders, relay_process, said
from tests.services.common.log.appends import append, created, insight, renamed, to

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 30.0


class Bus:
    """What a subscriber outside sees of this test's stream."""

    def __init__(self, client: Client, prefix: str) -> None:
        self.client = client
        self.prefix = prefix
        self.stream = f"{prefix}{FACTS_STREAM}"

    async def last(self) -> int:
        try:
            info = await self.client.jetstream().stream_info(self.stream)
        except NotFoundError:
            return 0
        return info.state.last_seq

    async def reach(self, position: int) -> None:
        """Returns when the stream holds as many messages as the log has entries."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self.last() < position:  # noqa: ASYNC110  # only the server knows
                await asyncio.sleep(0.01)

    async def messages(self) -> list[Msg]:
        """All of them, as an ordered consumer delivers them."""
        last = await self.last()
        received: list[Msg] = []
        if last == 0:
            return received
        subscription = await self.client.jetstream().subscribe(
            f"{self.prefix}insights.>", stream=self.stream, ordered_consumer=True
        )
        while len(received) < last:
            received.append(await subscription.next_msg(timeout=DEADLINE_SECONDS))
        await subscription.unsubscribe()
        return received

    async def entries(self) -> list[Entry]:
        """Every message's, having checked that nothing is missing, doubled or out of order."""
        messages = await self.messages()
        entries = [entry_of(decode_cloud_event(message.data)) for message in messages]
        for place, (message, entry) in enumerate(zip(messages, entries, strict=True), 1):
            assert message.metadata.sequence.stream == entry.position == place
            assert message.headers is not None
            assert message.headers["Nats-Msg-Id"] == str(place)
        return entries


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


@pytest.fixture
async def bus(nats_url: str, stream_prefix: str) -> AsyncIterator[Bus]:
    client = await connect_bus(nats_url, "subscriber")
    yield Bus(client, stream_prefix)
    await client.close()


@asynccontextmanager
async def relay(store: EventStore, postgres_url: str, bus: Bus) -> AsyncIterator[RunningRelay]:
    bell = Bell(postgres_url, BELL_CHANNEL)
    async with (
        pool(postgres_url) as connections,
        bell.listening(),
        relaying(store, connections, bus.client, bell, prefix=bus.prefix) as running,
    ):
        yield running


async def fill(store: EventStore, count: int, first: int = 1) -> None:
    await asyncio.gather(
        *(store.append(append(to(insight(n), 0, created(n)))) for n in range(first, first + count))
    )


async def test_every_entry_reaches_subscribers_as_it_was_recorded(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    async with relay(store, postgres_url, bus) as running:
        await store.append(append(to(insight(1), 0, created(), renamed())))
        await store.append(append(to(insight(1, team_id=2), 0, created())))
        await bus.reach(3)
        assert running.failure is None
    messages = await bus.messages()
    async with pool(postgres_url) as connections:
        installed = await installation(connections)
    assert [message.data for message in messages] == [
        encode_cloud_event(entry, event_source(installed, entry.team_id))
        for entry in await store.entries(after=0)
    ]
    assert {(message.headers or {})["content-type"] for message in messages} == {MEDIA_TYPE}
    assert [message.subject for message in messages] == [
        f"{bus.prefix}{fact_subject(1, 'insight.created.v1')}",
        f"{bus.prefix}{fact_subject(1, 'insight.renamed.v1')}",
        f"{bus.prefix}{fact_subject(2, 'insight.created.v1')}",
    ]


async def test_a_subscriber_can_prove_that_nothing_is_missing(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    await fill(store, 5)
    async with relay(store, postgres_url, bus):
        await bus.reach(5)
    entries = await bus.entries()
    assert verify(entries, BEGINNING).hash == entries[-1].hash
    assert entries == await store.entries(after=0)


async def test_a_long_backlog_is_published_in_batches_and_in_order(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    count = 3 * MOST_ENTRIES + 7
    await fill(store, count)
    async with relay(store, postgres_url, bus):
        await bus.reach(count)
    assert await bus.entries() == await store.entries(after=0)


async def test_several_relays_at_once_publish_each_entry_once(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(relay(store, postgres_url, bus)) for _ in range(3)
        ]
        for round_ in range(10):
            await fill(store, 20, first=1 + 20 * round_)
        await bus.reach(200)
        assert [each.failure for each in running] == [None] * 3
    assert await bus.entries() == await store.entries(after=0)


async def test_a_lost_stream_is_published_again_from_the_beginning(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    await fill(store, 5)
    async with relay(store, postgres_url, bus):
        await bus.reach(5)
        await bus.client.jetstream().delete_stream(bus.stream)
        await bus.reach(5)
        await fill(store, 1, first=6)
        await bus.reach(6)
    assert await bus.entries() == await store.entries(after=0)


async def test_entries_that_this_version_cannot_read_keep_their_place(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    await fill(store, 3)
    unknown = b'{"type":"insight.married.v9"}'
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("UPDATE log SET state = %s WHERE notification_id = 2", (unknown,))
    async with relay(store, postgres_url, bus):
        await bus.reach(3)
    entries = await bus.entries()
    assert bytes(entries[1].event) == unknown


async def test_damaged_bytes_are_published_as_they_are_stored(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    await fill(store, 3)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("UPDATE log SET state = %s WHERE notification_id = 2", (b"\xff{",))
    async with relay(store, postgres_url, bus):
        await bus.reach(3)
    messages = await bus.messages()
    assert messages[1].data.endswith(b'"data":\xff{}')
    assert decode_cloud_event(messages[2].data).position == "3"


async def test_a_fact_too_large_for_the_bus_keeps_its_place_and_its_proof(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    filters = Raw(b'{"x":"' + b"x" * bus.client.max_payload + b'"}')
    large = InsightFiltersChanged(filters=filters, previous=EMPTY_OBJECT)
    await store.append(append(to(insight(1), 0, created(), large, renamed())))
    async with relay(store, postgres_url, bus):
        await bus.reach(3)
    first, omitted, last = await bus.entries()
    event = decode_cloud_event((await bus.messages())[1].data)
    assert (event.data, event.dataref) == (UNSET, "/api/projects/1/facts/2/")
    assert is_null(omitted.event)
    assert [is_null(first.event), is_null(last.event)] == [False, False]
    verify([first, omitted, last], BEGINNING)
    assert omitted.event == NULL


async def test_the_stream_carries_each_entrys_hash_beside_it(
    store: EventStore, postgres_url: str, bus: Bus
) -> None:
    await fill(store, 1)
    async with relay(store, postgres_url, bus):
        await bus.reach(1)
    (message,) = await bus.messages()
    (entry,) = await store.entries(after=0)
    assert message.headers is not None
    assert message.headers[HASH_HEADER] == entry.hash.hex()


@pytest.mark.parametrize("point", ["read", "published"])
@pytest.mark.parametrize("time", [1, 3])
async def test_a_relay_killed_between_publishing_and_knowing_it_leaves_no_gap_and_no_double(
    store: EventStore, postgres_url: str, nats_url: str, bus: Bus, point: str, time: int
) -> None:
    orders = Orders(
        postgres_url=postgres_url,
        nats_url=nats_url,
        prefix=bus.prefix,
        die_at=point,
        die_after=time,
    )
    count = 4 * MOST_ENTRIES
    await fill(store, count)
    with relay_process(orders) as process:
        assert await asyncio.to_thread(said, process) == point
    published = await bus.last()
    assert published == MOST_ENTRIES * (time if point == "published" else time - 1)
    async with relay(store, postgres_url, bus):
        await bus.reach(count)
    assert await bus.entries() == await store.entries(after=0)


async def test_a_relay_killed_and_restarted_under_writes_misses_nothing(
    store: EventStore, postgres_url: str, nats_url: str, bus: Bus
) -> None:
    orders = Orders(postgres_url=postgres_url, nats_url=nats_url, prefix=bus.prefix)
    for round_ in range(4):
        with relay_process(orders):
            await fill(store, 100, first=1 + 100 * round_)
            await bus.reach(100 * round_ + 30)  # somewhere in the middle, as it comes
    async with relay(store, postgres_url, bus):
        await bus.reach(400)
    assert await bus.entries() == await store.entries(after=0)
