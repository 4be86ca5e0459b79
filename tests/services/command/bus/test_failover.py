"""A standby takes over that lacks the log's last entries: they come back from the public stream."""

import psycopg
import pytest

from contracts.events.insight import InsightRenamed
from contracts.events.streams import insight_stream
from services.command.bus.recovering import recover
from services.common.log.restoring import set_verified
from services.common.log.store import LogUnverified
from tests.services.command.bus.failover import ENTRIES_EACH, TEAM, LogOnPair
from tests.services.command.bus.setup import (
    Subscriber,
    facts_bus,
    published,
    read_all,
    relay,
    until_whole,
)
from tests.services.command.relay_process import Orders, dies_at
from tests.services.common.log.appends import append, to
from tests.waiting import seen


async def verified(log: LogOnPair) -> None:
    await seen(log.timeline, lambda told: told.is_verified)


async def test_the_tail_is_put_back_and_nobody_sees_anything_twice_or_not_at_all(
    log: LogOnPair, nats: str
) -> None:
    made = await log.work(5)
    async with published(log.url, nats) as (bus, running):
        subscriber = Subscriber(bus.client)
        await log.lose(40)
        await until_whole(bus, running, swept=False)
        before = await bus.store.entries(after=0)
        async with subscriber.reading() as reading:
            await subscriber.reach(len(before) // 2)
            log.pair.fail_over()
            await verified(log)
            assert await bus.store.entries(after=0) == before
            # Numbers that were lost with the rows are not given again.
            again = await log.work(3)
            assert min(again) > max(made) + 40
            head = len(before) + 3 * ENTRIES_EACH
            await subscriber.reach(head)
            assert not reading.done()
        await until_whole(bus, running, swept=False)
        assert await read_all(bus) == subscriber.kept == await bus.store.entries(after=0)
        assert running.stopped is None
    assert await log.proved() == head
    assert (await log.timeline()).checked_position == len(before)
    with psycopg.connect(log.url) as conn:
        found = conn.execute("SELECT count(*) FROM insight_ids").fetchone()
    assert found == (48,)


async def test_appends_wait_for_the_stream_and_a_person_may_go_on_without_it(
    log: LogOnPair, nats: str
) -> None:
    (number, *_) = await log.work(5)
    async with published(log.url, nats) as (bus, _):
        await log.lose(2)
        log.pair.fail_over()
        # Nobody relays, as if the bus were away.
    renaming = append(to(insight_stream(TEAM, number), None, InsightRenamed("New", None)))
    async with facts_bus(log.url, nats) as bus:
        for _ in range(2):
            with pytest.raises(LogUnverified):
                await bus.store.append(renaming)
        assert await bus.store.head() == 5 * ENTRIES_EACH
        await set_verified(bus.pool, await bus.store.head())
        assert (await bus.store.append(renaming)).position == 5 * ENTRIES_EACH + 1


async def test_a_standby_that_has_everything_is_verified_at_once(log: LogOnPair, nats: str) -> None:
    await log.work(3)
    async with published(log.url, nats) as (bus, _):
        log.pair.wait_until_level()
    log.pair.fail_over()
    async with facts_bus(log.url, nats) as bus:
        found = await recover(bus)
        assert (found.outcome, found.put_back) == ("verified", 0)
        assert (found.head, found.last) == (3 * ENTRIES_EACH, 3 * ENTRIES_EACH)
    assert (await log.timeline()).is_verified


async def test_one_that_is_ahead_of_the_stream_is_verified_and_published(
    log: LogOnPair, nats: str
) -> None:
    await log.work(3)
    async with published(log.url, nats):
        pass
    await log.work(3)
    log.pair.wait_until_level()
    log.pair.fail_over()
    async with relay(log.url, nats) as (bus, running):
        await until_whole(bus, running, swept=False)
        assert len(await read_all(bus)) == 6 * ENTRIES_EACH
    assert (await log.timeline()).is_verified


@pytest.mark.parametrize("point", ["compared", "put back", "committed"])
async def test_a_relay_that_is_killed_while_it_repairs(
    log: LogOnPair, nats: str, point: str
) -> None:
    await log.work(3)
    async with published(log.url, nats) as (bus, running):
        await log.lose(5)
        await until_whole(bus, running, swept=False)
        before = await bus.store.entries(after=0)
    log.pair.fail_over()
    orders = Orders(postgres_url=log.url, nats_url=nats, die_at=point)
    assert dies_at(orders) == point
    is_done = point == "committed"
    assert (await log.timeline()).is_verified == is_done
    async with relay(log.url, nats) as (bus, _):
        await verified(log)
        assert await bus.store.entries(after=0) == before
    await log.work(1)
    assert await log.proved() == len(before) + ENTRIES_EACH
