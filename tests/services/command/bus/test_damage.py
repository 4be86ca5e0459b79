"""Every way that we know to damage the stream's files, under a running subscriber: it is found,
repaired, and the subscriber misses nothing.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.command.relay import RunningRelay
from tests import servers
from tests.services.command.bus.setup import (
    Subscriber,
    blocks,
    durable_names,
    fill,
    published,
    read_all,
    stream_folder,
    until_whole,
    without_index,
)
from tests.waiting import seen

FACTS = 200
# In the middle of a batch: what is left of it was delivered, and not acknowledged.
READ = FACTS - 30


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


def cut(folder: Path) -> None:
    last = blocks(folder)[-1]
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size * 9 // 10)


def cut_without_index(folder: Path) -> None:
    cut(folder)
    without_index(folder)


def flip(folder: Path) -> None:
    block = blocks(folder)[0]
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.write_bytes(content)


def flip_without_index(folder: Path) -> None:
    flip(folder)
    without_index(folder)


def lose_block(folder: Path) -> None:
    (only,) = blocks(folder)
    only.unlink()


def lose_folder(folder: Path) -> None:
    shutil.rmtree(stream_folder(folder))


def flip_meta(folder: Path) -> None:
    meta = stream_folder(folder) / "meta.inf"
    content = bytearray(meta.read_bytes())
    content[30] ^= 1
    meta.write_bytes(content)


def rebuilds() -> float:
    return REGISTRY.get_sample_value("recount_bus_rebuilds_total") or 0


@pytest.mark.parametrize(
    ("damage", "is_made_anew"),
    [
        (cut_without_index, False),
        (cut, True),
        (flip, True),
        (flip_without_index, False),
        (lose_block, True),
        (lose_folder, True),
        (flip_meta, True),
    ],
)
async def test_what_happened_to_its_files_is_found_and_repaired(
    postgres_url: str, folder: Path, damage: Callable[[Path], None], *, is_made_anew: bool
) -> None:
    await fill(postgres_url, FACTS)
    before = rebuilds()
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url) as (bus, _):
            subscriber = Subscriber(bus.client, most=READ)
            async with subscriber.reading():
                await subscriber.reach(READ)
        # The relay's last look, with the consumer.
        async with published(postgres_url, server.url) as (bus, _):
            assert await durable_names(bus.client) == ["warehouse"]
    damage(folder)
    with servers.nats_server(folder) as server:
        async with published(postgres_url, server.url) as (bus, running):
            await until_repaired(running)
            await fill(postgres_url, 20, first=FACTS)
            reader = Subscriber(bus.client)
            reader.kept, reader.end = subscriber.kept, subscriber.end
            async with reader.reading() as reading:
                await reader.reach(FACTS + 20)
                assert not reading.done()
            await until_whole(bus, running, swept=False)
            entries = await bus.store.entries(after=0)
            assert await read_all(bus) == reader.kept == entries
    assert (rebuilds() > before) == is_made_anew


async def until_repaired(running: RunningRelay) -> None:
    async def state() -> tuple[int, bool]:
        return running.holes, running.is_whole

    await seen(state, lambda found: found == (0, True))


@pytest.mark.parametrize("damage", [cut, flip, lose_folder])
async def test_a_server_that_comes_back_damaged_under_us_is_repaired_and_nobody_starts_again(
    postgres_url: str, folder: Path, damage: Callable[[Path], None]
) -> None:
    await fill(postgres_url, FACTS)
    before = rebuilds()
    with ExitStack() as first:
        server = first.enter_context(servers.nats_server(folder))
        async with published(postgres_url, server.url) as (bus, _):
            reader = Subscriber(bus.client)
            async with reader.reading():
                await reader.reach(FACTS - 50)
        async with published(postgres_url, server.url) as (bus, running):
            subscriber = Subscriber(bus.client)
            subscriber.kept, subscriber.end = reader.kept, reader.end
            async with subscriber.reading() as reading:
                first.close()
                damage(folder)
                with servers.nats_server(folder):
                    await seen(counted, lambda count: count > before)
                    await fill(postgres_url, 20, first=FACTS)
                    await subscriber.reach(FACTS + 20)
                    assert not reading.done()
                    await until_whole(bus, running, swept=False)
                    entries = await bus.store.entries(after=0)
                    assert await read_all(bus) == subscriber.kept == entries


async def counted() -> float:
    return rebuilds()
