"""Messages that went with an erasure: their holes are no damage, and hide none."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest

from contracts.chain import Entry, Erasures, Link, follow
from contracts.codec import encode_event
from contracts.events.insight import InsightFiltersChanged
from contracts.json import EMPTY_OBJECT
from contracts.subjects import FACTS_STREAM
from domain.erasure.redaction import redacted
from services.command.bus.facts_bus import FactsBus
from services.command.bus.histories import first_difference
from services.command.bus.inspection import OtherHistory, Whole, inspect
from services.command.bus.messages import stored_messages
from services.command.bus.rows import stream_row
from services.command.bus.status import reset_stream
from services.common.log.erasing import ErasedEntry, Erasure, erase
from services.common.log.searching import entries_at
from tests import servers
from tests.services.command.bus.setup import (
    facts_bus,
    fill,
    published,
    read_all,
    until_whole,
)
from tests.services.command.bus.test_histories import cut_log_after, rebuilds
from tests.services.common.log.appends import ANNA

FACTS = 20
GONE = [1, 2, 9, 10, 11, 19, 20]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
async def own_nats_url(server_url: str, postgres_url: str) -> AsyncIterator[str]:
    yield server_url
    async with facts_bus(postgres_url, server_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)


async def erase_entries(postgres_url: str, bus: FactsBus, positions: list[int]) -> None:
    """In the log and on the stream; each fact of these tests stands at its position."""
    found = await entries_at(bus.pool, 1, positions)
    left = [ErasedEntry(each, redacted(each.event)) for each in found]
    operation = uuid4()
    erasure = Erasure(
        team_id=1, number=1, actor=ANNA, operation_id=operation, correlation_id=operation,
        causation_id=None,
    )  # fmt: skip
    await erase(postgres_url, erasure, left)
    for position in positions:
        await bus.client.jetstream().delete_msg(FACTS_STREAM, position)


async def positions_there(bus: FactsBus) -> list[int]:
    found = await stored_messages(bus.client, bus.name, 1, 100)
    return [message.sequence for message in found]


async def test_the_holes_are_no_damage_and_are_not_filled(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    before = rebuilds()
    async with published(postgres_url, own_nats_url) as (bus, running):
        await erase_entries(postgres_url, bus, GONE)
        await until_whole(bus, running, swept=False)
    # Another process looks at it and sweeps it from the start.
    async with published(postgres_url, own_nats_url) as (bus, running):
        there = await positions_there(bus)
        assert there == [each for each in range(1, FACTS + len(GONE) + 1) if each not in GONE]
        assert isinstance(await inspect(bus, await stream_row(bus)), Whole)
        assert running.is_whole
    assert rebuilds() == before


async def test_a_stream_that_is_made_anew_gets_what_is_left(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS, padding=30)
    async with published(postgres_url, own_nats_url) as (bus, _):
        await erase_entries(postgres_url, bus, GONE)
    async with facts_bus(postgres_url, own_nats_url) as bus:
        assert await reset_stream(bus, lambda _: None) == FACTS + len(GONE)
        entries = await read_all(bus)
        assert entries == await bus.store.entries(after=0)
        left = encode_event(InsightFiltersChanged(EMPTY_OBJECT, EMPTY_OBJECT))
        assert bytes(entries[1].event) == left
        assert holds(entries)


def holds(entries: list[Entry]) -> bool:
    link, erasures = Link(), Erasures()
    for entry in entries:
        link = follow(link, entry)
        erasures.take(entry)
    return erasures.unexplained() is None


async def test_a_log_that_was_cut_is_found_behind_the_holes(
    postgres_url: str, own_nats_url: str
) -> None:
    """Without its tail the log is an older copy: nothing is made anew, a person decides."""
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url) as (bus, running):
        await erase_entries(postgres_url, bus, GONE)
        await fill(postgres_url, 4, first=FACTS)
        await until_whole(bus, running, swept=False)
    await cut_log_after(postgres_url, FACTS + len(GONE) + 2)
    before = rebuilds()
    async with facts_bus(postgres_url, own_nats_url) as bus:
        assert isinstance(await inspect(bus, await stream_row(bus)), OtherHistory)
    assert rebuilds() == before


@pytest.mark.parametrize("differs", [3, 8, 12, 18])
async def test_the_first_difference_is_found_between_the_holes(
    postgres_url: str, own_nats_url: str, differs: int
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url) as (bus, _):
        await erase_entries(postgres_url, bus, GONE)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(
            "UPDATE log SET hash = sha256(hash) WHERE notification_id >= %s AND"
            " notification_id <= %s",
            (differs, FACTS + len(GONE)),
        )
    async with facts_bus(postgres_url, own_nats_url) as bus:
        assert await first_difference(bus, 1, FACTS + len(GONE)) == differs
