"""JetStream's consumers are what the log says, whatever died in between or was done to them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from nats.js.api import ConsumerConfig

from contracts.events.bus_consumer import BusConsumerDeleted, BusConsumerEvent
from contracts.events.recorded import SystemActor
from contracts.events.streams import Stream, bus_consumer_stream
from services.command.bus_consumers.upkeep import Upkeep
from services.common.log.store import Append, AppendPart
from services.common.stream import StreamUnavailable
from tests.services.command.bus_consumers.conftest import BusWorld, subscriber, take, told_name
from tests.waiting import seen


def upkeep(world: BusWorld) -> Upkeep:
    kept: Upkeep = world.app.state.bus_consumers._bus.upkeep
    return kept


async def there(world: BusWorld) -> set[str]:
    return {one.name for one in await world.streams.consumers_info("INSIGHTS")}


async def test_what_died_between_the_fact_and_the_consumer_is_made_good(
    world: BusWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, ended = await world.make(after="now"), await world.make()
    await world.happen(2)
    async with subscriber(made) as client:
        await take(client, made, 2)

    async def dying(*_: object) -> bool:
        raise StreamUnavailable("died")

    with monkeypatch.context() as death:
        death.setattr(Upkeep, "bring_in_line", dying)
        new = await world.make(name="New")
        assert (await world.patch(made, after=made["after"])).status_code == 200
        await world.client.delete(f"{world.path()}{ended['id']}/")
        assert await there(world) == {made["consumer"], ended["consumer"]}
    wanted = {made["consumer"], new["consumer"]}
    await seen(lambda: there(world), lambda found: found == wanted)
    async with subscriber(made) as client:
        await take(client, made, 2)


async def test_what_was_said_elsewhere_is_followed(world: BusWorld) -> None:
    """An undo, or another process: the facts are all that tells of it."""
    made = await world.make(after="now")
    stream = await stream_of(world, made)
    operation = uuid4()
    async with subscriber(made, max_reconnect_attempts=1) as client:
        await world.app.state.store.append(
            Append(
                parts=(AppendPart(stream, None, (BusConsumerDeleted(),)),),
                actor=SystemActor(),
                operation_id=operation,
                correlation_id=operation,
            )
        )
        await seen(lambda: there(world), lambda found: made["consumer"] not in found)

        async def is_out() -> bool:
            return not client.is_connected

        await seen(is_out, bool)


async def stream_of(world: BusWorld, made: dict[str, Any]) -> Stream[BusConsumerEvent]:
    async with world.pool.connection() as conn:
        cursor = await conn.execute("SELECT id FROM bus_consumer_ids WHERE key = %s", (made["id"],))
        row = await cursor.fetchone()
    assert row is not None
    return bus_consumer_stream(world.shop.id, row[0])


async def test_a_consumer_that_the_bus_lost_goes_on_where_it_was_last_seen(
    world: BusWorld,
) -> None:
    made = await world.make(after="now")
    names = await world.happen(3)
    async with subscriber(made) as client:
        await take(client, made, 2)
        await upkeep(world).look()
        await world.streams.delete_consumer("INSIGHTS", made["consumer"])
        assert (await world.get(made))["acknowledged"] is None
        await upkeep(world).look()
        assert (await world.get(made))["pending"] == 1
        (last,) = await take(client, made, 1)
    assert told_name(last) == names[-1]


async def test_what_somebody_else_did_to_it_is_put_right(world: BusWorld) -> None:
    made = await world.make(after="now")
    info = await world.streams.consumer_info("INSIGHTS", made["consumer"])
    info.config.filter_subjects = ["insights.>"]
    await world.streams.add_consumer("INSIGHTS", info.config)
    await upkeep(world).look()
    told = await world.streams.consumer_info("INSIGHTS", made["consumer"])
    wanted = [f"insights.{world.shop.id}.action.>"]
    assert (told.config.filter_subjects or [told.config.filter_subject]) == wanted


async def test_many_looks_at_once_make_one_consumer_of_the_newest_facts(world: BusWorld) -> None:
    made = await world.make(after="now")
    looks = [upkeep(world).look() for _ in range(5)]
    edits = [world.patch(made, after="0", name=f"Number {n}") for n in range(5)]
    await asyncio.gather(*looks, *edits)
    row_begun = (await world.get(made))["acknowledged"]
    assert row_begun is not None, "the consumer is the newest one's"


async def test_what_was_removed_and_came_back_with_a_stream_is_removed_again(
    world: BusWorld,
) -> None:
    ended, kept = await world.make(), await world.make()
    before = await world.streams.consumer_info("INSIGHTS", ended["consumer"])
    await world.client.delete(f"{world.path()}{ended['id']}/")
    await world.streams.add_consumer("INSIGHTS", before.config)
    others = await world.streams.add_consumer("INSIGHTS", ConsumerConfig(durable_name="operators"))
    await upkeep(world).look()
    assert await there(world) == {kept["consumer"], others.name}
    await world.streams.delete_consumer("INSIGHTS", others.name)


async def test_while_the_stream_is_made_anew_consumers_are_left_to_that(world: BusWorld) -> None:
    made = await world.make(after="now")
    await world.streams.delete_consumer("INSIGHTS", made["consumer"])
    async with world.pool.connection() as conn:
        await conn.execute("INSERT INTO bus_rebuilds (stream, consumers) VALUES ('INSIGHTS', '[]')")
    try:
        with pytest.raises(StreamUnavailable, match="made anew"):
            await upkeep(world).look()
        assert made["consumer"] not in await there(world)
    finally:
        async with world.pool.connection() as conn:
            await conn.execute("DELETE FROM bus_rebuilds")
    await upkeep(world).look()
    assert made["consumer"] in await there(world)


@pytest.mark.parametrize(
    ("types", "subjects"),
    [
        ((), ["insights.{0}.>"]),
        (("insight.*",), ["insights.{0}.insight.>"]),
        (("insight.*", "insight.renamed.v1"), ["insights.{0}.insight.>"]),
        (("insight.renamed.*", "insight.*"), ["insights.{0}.insight.>"]),
        (
            ("action.created.v1", "insight.*"),
            ["insights.{0}.action.created.v1", "insights.{0}.insight.>"],
        ),
    ],
)
async def test_types_are_subjects_of_which_none_is_within_another(
    world: BusWorld, types: tuple[str, ...], subjects: list[str]
) -> None:
    made = await world.make(types=list(types))
    expected = {subject.format(world.shop.id) for subject in subjects}
    info = await world.streams.consumer_info("INSIGHTS", made["consumer"])
    assert set(info.config.filter_subjects or [info.config.filter_subject]) == expected
