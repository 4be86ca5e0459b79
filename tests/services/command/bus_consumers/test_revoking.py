"""Who loses the right to a consumer is cut off at once, and not let in again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client

from services.command.app import create_app
from services.common.accounts import administration
from tests.services.command.bus_consumers.conftest import (
    BusWorld,
    greeted,
    subscriber,
    take,
)
from tests.waiting import seen

Revoke = Callable[[BusWorld, dict[str, Any], int, str], Awaitable[None]]


async def rotated(world: BusWorld, made: dict[str, Any], _: int, __: str) -> None:
    answer = await world.client.post(f"{world.path()}{made['id']}/rotate_password/")
    assert answer.status_code == 200, answer.text


async def deleted(world: BusWorld, made: dict[str, Any], _: int, __: str) -> None:
    answer = await world.client.delete(f"{world.path()}{made['id']}/")
    assert answer.status_code == 204, answer.text


async def key_revoked(world: BusWorld, _: dict[str, Any], __: int, key_id: str) -> None:
    await administration.revoke_key(world.pool, key_id)


async def rank_lost(world: BusWorld, _: dict[str, Any], user_id: int, __: str) -> None:
    async with world.pool.connection() as conn:
        await conn.execute(
            "UPDATE organization_members SET level = 1 WHERE user_id = %s", (user_id,)
        )


async def membership_lost(world: BusWorld, _: dict[str, Any], user_id: int, __: str) -> None:
    async with world.pool.connection() as conn:
        await conn.execute("DELETE FROM organization_members WHERE user_id = %s", (user_id,))


WAYS: dict[str, Revoke] = {
    "rotated": rotated,
    "deleted": deleted,
    "key revoked": key_revoked,
    "rank lost": rank_lost,
    "membership lost": membership_lost,
}


async def an_administrators(world: BusWorld) -> tuple[dict[str, Any], int, str]:
    """A consumer that another administrator has made, by a key of its own."""
    user_id = await world.administrator()
    key_id, headers = await world.key_of(user_id)
    body = {"name": "Billing", "after": "now", "types": ["action.*"]}
    answer = await world.client.post(world.path(), json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json(), user_id, key_id


@asynccontextmanager
async def watched(made: dict[str, Any]) -> AsyncIterator[tuple[Client, asyncio.Event]]:
    """A subscriber, and an event that tells when its connection ended."""
    ended = asyncio.Event()

    async def told() -> None:
        ended.set()

    async with subscriber(made, disconnected_cb=told, max_reconnect_attempts=2) as client:
        yield client, ended


@pytest.mark.parametrize("way", WAYS)
async def test_a_lost_right_ends_the_connection_and_lets_nobody_in(
    world: BusWorld, way: str
) -> None:
    made, user_id, key_id = await an_administrators(world)
    bystander = await world.make(after="now")
    async with watched(made) as (_, ended), watched(bystander) as (other, other_ended):
        await WAYS[way](world, made, user_id, key_id)
        await asyncio.wait_for(ended.wait(), 30)
        said = await greeted(made["url"], made["user"], made["password"])
        assert said == "-ERR 'Authorization Violation'"
        names = await world.happen(2)
        assert len(await take(other, bystander, 2)) == len(names)
        assert not other_ended.is_set(), "others stay connected"


async def test_a_rotated_password_lets_in_where_the_old_one_was(world: BusWorld) -> None:
    made = await world.make(after="now")
    await world.happen(2)
    async with subscriber(made) as client:
        await take(client, made, 1)
    answer = await world.client.post(f"{world.path()}{made['id']}/rotate_password/")
    assert answer.json()["password"] not in (None, made["password"])
    async with subscriber({**made, "password": answer.json()["password"]}) as client:
        await take(client, made, 1)
    assert (await world.get(made))["pending"] == 0


async def test_a_dead_credential_is_told_and_another_administrator_can_revive_it(
    world: BusWorld,
) -> None:
    made, _, key_id = await an_administrators(world)
    assert made["locked_out"] is None
    await administration.revoke_key(world.pool, key_id)
    assert (await world.get(made))["locked_out"] == "key_revoked"
    answer = await world.client.post(f"{world.path()}{made['id']}/rotate_password/")
    assert answer.json()["locked_out"] is None
    assert await greeted(made["url"], made["user"], answer.json()["password"]) == "PONG"


async def test_what_no_bell_told_is_found_by_the_look_of_every_minute(world: BusWorld) -> None:
    made, _, key_id = await an_administrators(world)
    async with watched(made) as (_, ended):
        async with world.pool.connection() as conn, conn.transaction():
            # As if it had rung while nobody listened.
            await conn.execute("SET LOCAL session_replication_role = replica")
            await conn.execute(
                "UPDATE personal_api_keys SET revoked_at = now() WHERE id = %s", (key_id,)
            )
        assert not ended.is_set()
        connections = world.app.state.bus_consumers._bus.connections
        assert await connections.cut_dead() == 1
        await asyncio.wait_for(ended.wait(), 30)


async def test_any_process_answers_and_one_does(world: BusWorld) -> None:
    made = await world.make(after="now")
    second = create_app(world.settings)
    async with second.lifespan():
        for _ in range(10):
            assert await greeted(made["url"], made["user"], made["password"]) == "PONG"

    async def connected() -> int:
        return int((await world.get(made))["connected"])

    async with subscriber(made), subscriber(made):
        assert await seen(connected, lambda count: count == 2) == 2
    assert await seen(connected, lambda count: count == 0) == 0
