"""The public stream's files are damaged on the disk: it is published again, whole and in order."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Raw
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from contracts.chain import BEGINNING, decode_entry, verify
from contracts.events.insight import InsightFiltersChanged
from contracts.json import EMPTY_OBJECT
from contracts.subjects import FACTS_STREAM
from services.command.relay import REBUILDS, RunningRelay, relaying
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.stream import connect
from tests import servers
from tests.services.common.log.appends import append, created, insight, to
from tests.waiting import seen

# Of so many bytes that they fill several files of the stream.
FACTS = 64
PADDING = 600_000
ACKNOWLEDGED = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


@asynccontextmanager
async def published(postgres_url: str, nats_url: str) -> AsyncIterator[tuple[Client, RunningRelay]]:
    """A relay that has published all that the log holds."""
    client = await connect(nats_url, "test")
    bell = Bell(postgres_url, BELL_CHANNEL)
    async with (
        EventStore.open(postgres_url) as store,
        pool(postgres_url) as connections,
        bell.listening(),
        relaying(store, connections, client, bell) as running,
    ):
        head = await store.head()

        async def state() -> tuple[int, int]:
            try:
                found = (await client.jetstream().stream_info(FACTS_STREAM)).state
            except NotFoundError:  # not yet, or being made anew
                return -1, -1
            return found.messages, found.last_seq

        # What the relay knows, and what there is.
        await seen(state, lambda found: found == (head, head) and running.published == head)
        yield client, running
    await client.close()


async def fill(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        for number in range(1, FACTS // 2 + 1):
            filters = Raw(b'{"x":"' + bytes([96 + number % 26 + 1]) * PADDING + b'"}')
            large = InsightFiltersChanged(filters=filters, previous=EMPTY_OBJECT)
            await store.append(append(to(insight(number), 0, created(number), large)))


def blocks(folder: Path) -> list[Path]:
    """The stream's files of messages, oldest first."""
    found = sorted(_messages(folder).glob("*.blk"), key=lambda path: int(path.stem))
    assert len(found) >= 3, "the facts fill several files"
    return found


def _messages(folder: Path) -> Path:
    return folder / "nats" / "jetstream" / "RECOUNT" / "streams" / FACTS_STREAM / "msgs"


def without_index(folder: Path) -> None:
    (_messages(folder) / "index.db").unlink()


def cut_last(folder: Path) -> None:
    last = blocks(folder)[-1]
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size // 2)


def cut_last_without_index(folder: Path) -> None:
    cut_last(folder)
    without_index(folder)


def lose_last(folder: Path) -> None:
    blocks(folder)[-1].unlink()


def lose_last_without_index(folder: Path) -> None:
    lose_last(folder)
    without_index(folder)


def lose_middle(folder: Path) -> None:
    blocks(folder)[1].unlink()


def lose_middle_without_index(folder: Path) -> None:
    lose_middle(folder)
    without_index(folder)


def lose_first(folder: Path) -> None:
    blocks(folder)[0].unlink()


def lose_all(folder: Path) -> None:
    for path in blocks(folder):
        path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        *(without_index, cut_last, cut_last_without_index, lose_last, lose_last_without_index),
        *(lose_middle, lose_middle_without_index, lose_first, lose_all),
    ],
)
async def test_a_damaged_stream_is_published_again(
    postgres_url: str, folder: Path, damage: Callable[[Path], None]
) -> None:
    await fill(postgres_url)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url) as (client, _):
            await _follow(client)
    damage(folder)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url) as (client, running):
            assert running.failure is None
            entries = [decode_entry(data) for data in await _all(client)]
            assert [entry.position for entry in entries] == list(range(1, FACTS + 1))
            by_project = [entry for entry in entries if entry.team_id == 1]
            verify(by_project, BEGINNING)
            if damage is not lose_all:
                assert await _next_of_the_durable(client) == ACKNOWLEDGED + 1


async def test_a_stream_that_is_whole_is_left_alone(postgres_url: str, folder: Path) -> None:
    await fill(postgres_url)
    before = REBUILDS._value.get()
    for _ in range(2):
        with servers.nats_server(folder) as server:
            async with published(postgres_url, server.url) as (client, _):
                info = await client.jetstream().stream_info(FACTS_STREAM)
                assert info.state.messages == FACTS
    assert REBUILDS._value.get() == before


async def _follow(client: Client) -> None:
    """A durable consumer that has acknowledged the first few."""
    subscription = await client.jetstream().pull_subscribe(
        "insights.>", durable="warehouse", stream=FACTS_STREAM
    )
    for message in await subscription.fetch(ACKNOWLEDGED, timeout=10):
        await message.ack_sync()
    await subscription.unsubscribe()


async def _next_of_the_durable(client: Client) -> int:
    """The position of what it gets now, once it is there again."""
    stream = client.jetstream()

    async def names() -> list[str]:
        return [one.name for one in await stream.consumers_info(FACTS_STREAM)]

    await seen(names, lambda found: "warehouse" in found)
    subscription = await stream.pull_subscribe_bind("warehouse", stream=FACTS_STREAM)
    (message,) = await subscription.fetch(1, timeout=10)
    return decode_entry(message.data).position


async def _all(client: Client) -> list[bytes]:
    subscription = await client.jetstream().subscribe(
        "insights.>", stream=FACTS_STREAM, ordered_consumer=True
    )
    found = [(await subscription.next_msg(timeout=30)).data for _ in range(FACTS)]
    await subscription.unsubscribe()
    return found
