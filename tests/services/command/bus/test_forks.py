"""A standby whose log the public stream does not continue: a person decides."""

import psycopg
import pytest
from msgspec import Raw

from contracts.cloud_events import decode_cloud_event, entry_of
from contracts.codec import decode_event
from contracts.events.audit import LogVoided
from contracts.events.insight import InsightFiltersChanged
from contracts.events.streams import insight_stream
from contracts.json import EMPTY_OBJECT
from contracts.subjects import FACTS_STREAM
from services.command.bus.deciding import accept_and_void
from services.command.bus.facts_bus import FactsBus
from services.command.bus.recovering import recover
from services.command.bus.status import reset_stream
from services.command.relay import RunningRelay
from services.common.log.restoring import set_verified
from services.common.log.store import LogUnverified
from tests.services.command.bus.failover import ENTRIES_EACH, TEAM, LogOnPair
from tests.services.command.bus.setup import (
    Subscriber,
    facts_bus,
    published,
    relay,
    until_whole,
)
from tests.services.common.log.appends import append, created, to
from tests.waiting import seen

BEFORE = 3 * ENTRIES_EACH


async def stopped(running: RunningRelay) -> str:
    async def reason() -> str | None:
        return running.stopped

    found = await seen(reason, lambda told: told is not None)
    assert found is not None
    return found


async def refused(bus: FactsBus) -> None:
    with pytest.raises(LogUnverified):
        await bus.store.append(append(to(insight_stream(TEAM, 900), 0, created(900))))


async def lost(log: LogOnPair, nats: str, times: int) -> None:
    await log.work(3)
    async with published(log.url, nats) as (bus, running):
        await log.lose(times)
        await until_whole(bus, running, swept=False)
    log.pair.fail_over()


async def test_second_meanings_stop_appends_and_are_void_once_a_person_says_so(
    log: LogOnPair, nats: str
) -> None:
    await lost(log, nats, 3)
    async with facts_bus(log.url, nats) as bus:
        # As nothing kept a release before this one from doing.
        await set_verified(bus.pool, BEFORE)
        await log.work(1)
        subscriber = Subscriber(bus.client)
        async with subscriber.reading():
            await subscriber.reach(2 * BEFORE)
    with psycopg.connect(log.url, autocommit=True) as conn:
        conn.execute("UPDATE log_state SET timeline = timeline - 1")
    async with relay(log.url, nats) as (bus, running):
        head = BEFORE + ENTRIES_EACH
        assert await stopped(running) == f"INSIGHTS has another entry at {head}"
        await refused(bus)
        last = await accept_and_void(bus, log.url)
        assert last == 2 * BEFORE + 1
        # Now the log may grow; the stream waits for the person's second word.
        (number,) = await log.work(1)
        await stopped(running)
        await reset_stream(bus, lambda position: None)
        await until_whole(bus, running, swept=False)
        entries = await read_all_chains(bus)
        facts = [decode_event(name, event) for _, name, event in entries[head:last]]
        assert set(facts) == {LogVoided(first=BEFORE + 1, last=2 * BEFORE)}
        assert len(facts) == BEFORE - ENTRIES_EACH + 1
        assert [position for position, _, _ in entries] == list(range(1, last + ENTRIES_EACH + 1))
    assert await log.proved() == last + ENTRIES_EACH
    assert number > 6


async def read_all_chains(bus: FactsBus) -> list[tuple[int, str, bytes]]:
    """Position, name and payload of every message, whatever project it is of."""
    last = (await bus.client.jetstream().stream_info(FACTS_STREAM)).state.last_seq
    found = []
    for position in range(1, last + 1):
        message = await bus.client.jetstream().get_msg(FACTS_STREAM, position)
        entry = entry_of(decode_cloud_event(message.data or b""))
        found.append((entry.position, entry.name, bytes(entry.event)))
    return found


async def test_what_was_too_large_for_the_bus_ends_what_is_put_back(
    log: LogOnPair, nats: str
) -> None:
    (number, *_) = await log.work(3)
    async with published(log.url, nats) as (bus, running):
        log.pair.hold_back()
        await log.work(1)
        filters = Raw(b'{"x":"' + b"x" * bus.client.max_payload + b'"}')
        large = InsightFiltersChanged(filters=filters, previous=EMPTY_OBJECT)
        await bus.store.append(append(to(insight_stream(TEAM, number), None, large)))
        await log.work(1)
        await until_whole(bus, running, swept=False)
        before = await bus.store.entries(after=0)
    log.pair.fail_over()
    async with relay(log.url, nats) as (bus, running):
        head = BEFORE + ENTRIES_EACH
        assert await stopped(running) == (
            f"INSIGHTS is at {len(before)}, the log at {head}:"
            f" position {head + 1}: its payload was too large for the bus"
        )
        assert await bus.store.entries(after=0) == before[:head]
        await refused(bus)


async def test_a_stranger_who_wrote_behind_the_log_is_not_believed(
    log: LogOnPair, nats: str
) -> None:
    await log.work(3)
    async with published(log.url, nats):
        log.pair.hold_back()
    async with facts_bus(log.url, nats) as bus:
        await bus.client.jetstream().publish("insights.1.x", b"{}")
    log.pair.fail_over()
    async with facts_bus(log.url, nats) as bus:
        found = await recover(bus)
        assert (found.outcome, found.put_back) == ("forked", 0)
        assert found.reason == (
            f"INSIGHTS is at {BEFORE + 1}, the log at {BEFORE}:"
            f" position {BEFORE + 1} holds no entry"
        )
        await refused(bus)
