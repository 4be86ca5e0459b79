"""A rebuild that is killed goes on where it was, whoever looks next; consumers miss nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import psycopg
import pytest
from nats.js.api import (
    ConsumerConfig,
    DeliverPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from contracts.cloud_events import decode_cloud_event
from contracts.subjects import FACTS_STREAM, FACTS_SUBJECTS, HASH_HEADER
from services.command.bus.facts_bus import REBUILDING, FactsBus, alone
from services.command.bus.publisher import MOST_ENTRIES, Publisher
from services.command.bus.rebuilding import REBUILDS, rebuild
from services.common.stream import OutgoingMessage, publish_whole
from tests import servers
from tests.services.command.bus.setup import (
    Subscriber,
    facts_bus,
    fill,
    published,
    read_all,
    relay,
    until_whole,
)
from tests.services.command.relay_process import Orders, dies_at
from tests.waiting import seen

FACTS = 2 * MOST_ENTRIES + 44
FLOORS = {"warehouse": 120, "mirror": 7}


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
async def own_nats_url(server_url: str, postgres_url: str) -> AsyncIterator[str]:
    """A service knows one public stream, by its name: nobody has published to this one."""
    yield server_url
    async with facts_bus(postgres_url, server_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)


async def followed(bus: FactsBus) -> None:
    """Durable consumers that have acknowledged as many as FLOORS says."""
    for durable, floor in FLOORS.items():
        subscription = await bus.client.jetstream().pull_subscribe(
            "insights.>", durable=durable, stream=FACTS_STREAM
        )
        for message in await subscription.fetch(floor, timeout=10):
            await message.ack_sync()
        await subscription.unsubscribe()


async def nexts(bus: FactsBus, *durables: str) -> dict[str, int]:
    """The position that each consumer gets now."""
    found = {}
    for durable in durables or FLOORS:
        subscription = await bus.client.jetstream().pull_subscribe_bind(
            durable, stream=FACTS_STREAM
        )
        (message,) = await subscription.fetch(1, timeout=10)
        found[durable] = int(decode_cloud_event(message.data).position)
    return found


async def no_rebuild_is_left(postgres_url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(postgres_url) as conn:
        cursor = await conn.execute("SELECT 1 FROM bus_rebuilds")
        return await cursor.fetchone() is None


@pytest.mark.parametrize(
    ("step", "time"),
    [
        *(("kept", 1), ("deleted", 1), ("made", 1), ("published", 1), ("published", 2)),
        *(("all published", 1), ("consumer made", 1), ("consumer made", 2), ("done", 1)),
    ],
)
async def test_a_rebuild_that_is_killed_goes_on(
    postgres_url: str, own_nats_url: str, step: str, time: int
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url, sweep=0) as (bus, _):
        await followed(bus)
        await bus.client.jetstream().delete_msg(FACTS_STREAM, 5)
    orders = Orders(postgres_url=postgres_url, nats_url=own_nats_url, die_at=step, die_after=time)
    assert await asyncio.to_thread(dies_at, orders) == step
    async with published(postgres_url, own_nats_url, sweep=0) as (bus, _):
        assert await read_all(bus) == await bus.store.entries(after=0)
        assert await nexts(bus) == {durable: floor + 1 for durable, floor in FLOORS.items()}
        assert await no_rebuild_is_left(postgres_url)


async def test_consumers_that_have_acknowledged_nothing_begin_where_they_began(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url, sweep=0) as (bus, running):
        stream = bus.client.jetstream()
        later = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=200)
        new = ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
        for durable, config in (("later", later), ("new", new)):
            await stream.pull_subscribe("insights.>", durable, stream=FACTS_STREAM, config=config)
        await fill(postgres_url, 2, first=FACTS)
        for _ in range(2):
            await until_whole(bus, running, swept=False)
            before = REBUILDS._value.get()
            await stream.delete_msg(FACTS_STREAM, 5)
            await rebuilt_since(before)
            await until_whole(bus, running, swept=False)
        assert await nexts(bus, "later", "new") == {"later": 200, "new": FACTS + 1}


async def rebuilt_since(count: float) -> None:
    async def rebuilds() -> float:
        return float(REBUILDS._value.get())

    await seen(rebuilds, lambda found: found > count)


async def test_a_subscriber_goes_on_by_itself_through_a_rebuild(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url, sweep=0) as (bus, running):
        subscriber = Subscriber(bus.client)
        async with subscriber.reading() as reading:
            await subscriber.reach(50)
            await bus.client.jetstream().delete_msg(FACTS_STREAM, 5)
            await fill(postgres_url, 20, first=FACTS)
            await subscriber.reach(FACTS + 20)
            assert not reading.done()
        await until_whole(bus, running, swept=False)
        assert subscriber.kept == await bus.store.entries(after=0)
        assert subscriber.doubles <= 50, "those that were not acknowledged"


async def test_of_many_processes_one_makes_it_anew(postgres_url: str, own_nats_url: str) -> None:
    await fill(postgres_url, FACTS)
    async with (
        published(postgres_url, own_nats_url, sweep=0) as (bus, first),
        published(postgres_url, own_nats_url, sweep=0) as (_, second),
        published(postgres_url, own_nats_url, sweep=0) as (_, third),
    ):
        before = REBUILDS._value.get()
        await bus.client.jetstream().delete_msg(FACTS_STREAM, 5)

        await rebuilt_since(before)
        await fill(postgres_url, 20, first=FACTS)
        for each in (first, second, third):
            await until_whole(bus, each, swept=False)
        assert await read_all(bus) == await bus.store.entries(after=0)
    assert REBUILDS._value.get() == before + 1


async def test_nobody_begins_while_another_process_has_the_lock(
    postgres_url: str, own_nats_url: str
) -> None:
    async with (
        published(postgres_url, own_nats_url, sweep=0) as (bus, _),
        alone(bus, REBUILDING) as ours,
    ):
        assert ours
        assert not await rebuild(bus, Publisher(bus), "no reason", asked=True)


async def test_a_stream_of_the_older_format_is_made_anew_and_its_consumers_go_on(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with facts_bus(postgres_url, own_nats_url) as bus:
        await bus.client.jetstream().add_stream(
            StreamConfig(
                name=FACTS_STREAM,
                subjects=[FACTS_SUBJECTS],
                storage=StorageType.FILE,
                retention=RetentionPolicy.LIMITS,
                allow_direct=True,
                allow_atomic=True,
            )
        )
        entries = await bus.store.entries(after=0)
        await publish_whole(
            bus.client,
            [
                OutgoingMessage("insights.1.old", b"{}", {HASH_HEADER: entry.hash.hex()})
                for entry in entries
            ],
        )
        await followed(bus)
    async with published(postgres_url, own_nats_url) as (bus, _):
        info = await bus.client.jetstream().stream_info(FACTS_STREAM)
        assert (info.config.metadata or {})["recount_format"] == "2"
        assert await read_all(bus) == entries
        assert await nexts(bus) == {durable: floor + 1 for durable, floor in FLOORS.items()}


async def test_a_stream_that_vanished_comes_back_with_its_consumers(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url, sweep=0) as (bus, _):
        await followed(bus)
    async with relay(postgres_url, own_nats_url, sweep=0) as (bus, running):
        await until_whole(bus, running, swept=False)
        await bus.client.jetstream().delete_stream(FACTS_STREAM)
        await fill(postgres_url, 4, first=FACTS)
        await until_whole(bus, running, swept=False)
        entries = await read_all(bus)
        assert all(later.position == sooner.position + 1 for sooner, later in pairwise(entries))
        assert await nexts(bus) == {durable: floor + 1 for durable, floor in FLOORS.items()}
