"""A stream of many files that has lost some of them: it is published again, whole and in order."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.cloud_events import decode_cloud_event
from contracts.subjects import FACTS_STREAM
from services.command.bus.rebuilding import REBUILDS
from tests import servers
from tests.services.command.bus import setup
from tests.services.command.bus.setup import (
    blocks,
    durable_names,
    fill,
    published,
    read_all,
    without_index,
)
from tests.waiting import seen

# Of so many bytes that they fill several files of the stream.
FACTS = 64
PADDING = 600_000
ACKNOWLEDGED = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


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
    await fill(postgres_url, FACTS, padding=PADDING)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url, sweep=0) as (bus, _):
            subscription = await bus.client.jetstream().pull_subscribe(
                "insights.>", durable="warehouse", stream=FACTS_STREAM
            )
            for message in await subscription.fetch(ACKNOWLEDGED, timeout=10):
                await message.ack_sync()
        # The relay's last look, with the consumer.
        async with published(postgres_url, server.url, sweep=0) as (bus, _):
            assert await durable_names(bus.client) == ["warehouse"]
    assert len(blocks(folder)) >= 3, "the facts fill several files"
    damage(folder)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url, sweep=0) as (bus, running):
            assert running.failure is None
            assert await read_all(bus) == await bus.store.entries(after=0)

            async def names() -> list[str]:
                return await durable_names(bus.client)

            await seen(names, lambda found: found == ["warehouse"])
            following = await bus.client.jetstream().pull_subscribe_bind(
                "warehouse", stream=FACTS_STREAM
            )
            (message,) = await following.fetch(1, timeout=10)
            assert decode_cloud_event(message.data).position == str(ACKNOWLEDGED + 1)


async def test_whoever_nobody_had_seen_yet_is_sent_everything_again(
    postgres_url: str, folder: Path
) -> None:
    """Whether it has acknowledged what is lost, only the server knew, and it guesses."""
    await fill(postgres_url, FACTS, padding=PADDING)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url, sweep=0) as (bus, _):
            subscription = await bus.client.jetstream().pull_subscribe(
                "insights.>", durable="warehouse", stream=FACTS_STREAM
            )
            (first, *_) = await subscription.fetch(ACKNOWLEDGED, timeout=10)
            await first.ack_sync()
    lose_all(folder)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url, sweep=0) as (bus, _):
            following = await bus.client.jetstream().pull_subscribe_bind(
                "warehouse", stream=FACTS_STREAM
            )
            (message,) = await following.fetch(1, timeout=10)
            assert decode_cloud_event(message.data).position == "1"


async def test_a_stream_that_is_whole_is_left_alone(postgres_url: str, folder: Path) -> None:
    await fill(postgres_url, FACTS)
    before = REBUILDS._value.get()
    for _ in range(2):
        with servers.nats_server(folder) as server:
            async with published(postgres_url, server.url, sweep=setup.SWEEP) as (bus, _):
                info = await bus.client.jetstream().stream_info(FACTS_STREAM)
                assert info.state.messages == FACTS
    assert REBUILDS._value.get() == before
