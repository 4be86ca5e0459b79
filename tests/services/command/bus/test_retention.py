"""A public stream that keeps only the newest: what was trimmed is no damage."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from contracts.subjects import FACTS_STREAM
from services.command.bus.rebuilding import REBUILDS
from services.command.bus.status import reset_stream, stream_status
from services.common.stream import Keep, first_fact_kept
from tests import servers
from tests.services.command.bus.setup import facts_bus, fill, published, read_all

FACTS, OLD = 120, 70
A_DAY = Keep(days=1)
MESSAGE = 100_000
# Fewer than a message of the largest size would leave room for.
SIX_MEGABYTES = Keep(bytes=6_000_000)


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


def rebuilds() -> float:
    return float(REBUILDS._value.get())


async def age(postgres_url: str, up_to: int) -> None:
    """As if those entries had been recorded three days ago."""
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(
            "UPDATE log SET recorded_at = recorded_at - interval '3 days'"
            " WHERE notification_id <= %s",
            (up_to,),
        )


async def test_a_stream_of_days_begins_with_the_first_that_is_young_enough(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    await age(postgres_url, OLD)
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, running):
        assert await first_fact_kept(bus.client) == OLD + 1
        assert await read_all(bus, first=OLD + 1) == await bus.store.entries(after=OLD)
        assert running.swept == FACTS
    before = rebuilds()
    # It is left alone from then on, until more is gone than the limit explains.
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, _):
        await fill(postgres_url, 10, first=FACTS)
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, _):
        assert rebuilds() == before
        await bus.client.jetstream().purge_stream(FACTS_STREAM, seq=OLD + 20)
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, _):
        assert rebuilds() == before + 1
        assert await first_fact_kept(bus.client) == OLD + 1


async def test_where_all_entries_are_too_old_the_stream_is_empty_and_goes_on_behind_them(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, OLD)
    await age(postgres_url, OLD)
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, _):
        assert await first_fact_kept(bus.client) == OLD + 1
        assert (await stream_status(bus)).state == "whole"
    before = rebuilds()
    await fill(postgres_url, 10, first=OLD)
    async with published(postgres_url, own_nats_url, keep=A_DAY) as (bus, _):
        assert await read_all(bus, first=OLD + 1) == await bus.store.entries(after=OLD)
    assert rebuilds() == before


async def test_a_stream_of_so_many_bytes_is_trimmed_by_the_server(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS, padding=MESSAGE)
    async with published(postgres_url, own_nats_url) as (bus, _):
        assert await first_fact_kept(bus.client) == 1
    before, first = rebuilds(), 0
    # The limit is new: the server drops what is over it.
    for _ in range(2):
        async with published(postgres_url, own_nats_url, keep=SIX_MEGABYTES) as (bus, running):
            first = await first_fact_kept(bus.client)
            assert 1 < first < FACTS
            assert await read_all(bus, first=first) == await bus.store.entries(after=first - 1)
            assert running.swept == FACTS
    assert rebuilds() == before
    async with facts_bus(postgres_url, own_nats_url) as bus:
        small = await reset_stream(
            type(bus)(store=bus.store, pool=bus.pool, client=bus.client, keep=SIX_MEGABYTES),
            lambda position: None,
        )
        assert small == FACTS
        assert await first_fact_kept(bus.client) == first, "the same whoever drops them"


async def test_without_the_limit_all_of_it_comes_back(postgres_url: str, own_nats_url: str) -> None:
    await fill(postgres_url, FACTS)
    await age(postgres_url, OLD)
    async with published(postgres_url, own_nats_url, keep=A_DAY):
        pass
    async with published(postgres_url, own_nats_url) as (bus, _):
        assert await first_fact_kept(bus.client) == 1
        info = await bus.client.jetstream().stream_info(FACTS_STREAM)
        assert (info.state.messages, info.config.max_age) == (FACTS, 0)
