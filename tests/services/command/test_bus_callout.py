"""The bus without the command service, its stream, or itself: subscribers outlive all of it."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from services.command.app import create_app
from tests import servers
from tests.services.command.bus_consumers.conftest import (
    BusWorld,
    greeted,
    running,
    settings_for,
    subscriber,
    take,
    told_name,
)


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[BusWorld]:
    with servers.server_folder() as folder, servers.nats_server(folder) as bus:
        async with running(settings_for(postgres_url, bus), bus) as opened:
            yield opened


async def test_while_nobody_answers_those_who_are_in_stay_and_others_wait_outside(
    world: BusWorld,
) -> None:
    made = await world.make()
    user, password = made["user"], made["password"]
    await world.happen(4)
    await world.stored()
    async with subscriber(made) as client:
        await take(client, made, 1)
        await world.close()
        said = await greeted(made["url"], user, password)
        assert said.startswith("-ERR 'Auth"), said
        await take(client, made, 3)
        assert client.stats["reconnects"] == 0
    async with create_app(world.settings).lifespan():
        assert await greeted(made["url"], user, password) == "PONG"


async def test_over_a_stream_that_is_made_anew_a_subscriber_goes_on_where_it_was(
    world: BusWorld,
) -> None:
    made = await world.make()
    names = await world.happen(5)
    await world.stored()
    async with subscriber(made) as client:
        first = await take(client, made, 2)
        await world.close()
        await world.streams.delete_stream("INSIGHTS")
        # A relay that starts looks, and makes all of it anew.
        async with create_app(world.settings).lifespan():
            rest = await take(client, made, 3)
            while told_name(rest[-1]) != names[-1]:
                # The floor is as it was last seen: some may come twice.
                rest += await take(client, made, 1)
    assert list(dict.fromkeys(map(told_name, [*first, *rest]))) == names


async def test_over_a_restart_of_the_bus_all_come_back_by_themselves(postgres_url: str) -> None:
    with servers.server_folder() as folder, ExitStack() as lives:
        bus = lives.enter_context(servers.nats_server(folder))
        async with running(settings_for(postgres_url, bus), bus) as world:
            made = await world.make()
            names = await world.happen(2)
            async with subscriber(made, max_reconnect_attempts=-1) as client:
                await take(client, made, 1)
                lives.close()
                again = lives.enter_context(servers.nats_server(folder))
                assert again.url == bus.url
                names += await world.happen(1)
                rest = await take(client, made, 2)
                assert [told_name(fact) for fact in rest] == names[1:]
