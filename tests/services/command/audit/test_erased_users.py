"""Users who are erased: their row, their keys, their reads; and what holds keep."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.events.account import UserErased
from contracts.events.audit import PayloadErased
from contracts.events.recorded import DomainEvent
from contracts.events.streams import account_stream, erasure_stream
from services.command.audit.expiring import Expiring
from services.command.audit.sealing import Sealing
from services.common.accounts import administration
from services.common.log.store import EventStore
from tests.services.command.audit.asking import Asking
from tests.services.command.audit.trail import answered, reads

OLD = datetime.now(UTC) - timedelta(days=10)


async def member(asking: Asking, email: str, level: int = 1) -> int:
    organization = asking.world.project.organization_id
    return await administration.create_user(
        asking.world.pool, email, organization, first_name="Zerafina", level=level
    )


async def facts(asking: Asking, stream: Any) -> list[DomainEvent]:
    async with EventStore.open(asking.url) as store:
        return [fact.event for fact in await store.load(stream)]


async def test_a_user_goes_and_the_numbers_stay(asking: Asking) -> None:
    world = asking.world
    user_id = await member(asking, "zerafina@example.com")
    key = await administration.create_key(world.pool, user_id, label="Zerafina's")
    async with EventStore.open(asking.url) as store:
        await answered(world.pool, world.project.id, 2)
        await Sealing(store, world.pool).seal_all()
        await answered(world.pool, world.project.id, 3)
        async with world.pool.connection() as conn:
            await conn.execute(
                "UPDATE reads SET user_id = %s, ip = '192.0.2.7' WHERE n <> 2", (user_id,)
            )
        number = await asking.asked(user=user_id, reason="She left.")
        await asking.go_on()
        # Those that have no number yet get theirs first.
        body = await asking.get(f"audit/erasures/{number}/")
        assert body["waits_for"] == "reads"
        await Sealing(store, world.pool).seal_all()
        await asking.go_on()
    body = await asking.get(f"audit/erasures/{number}/")
    assert body["state"] == "logical"
    assert body["counts"] == {"user": 1, "reads": 3}
    assert body["reads"] == [[1, 1], [3, 3], [5, 5]]
    rows = await reads(world.pool, world.project.id)
    assert [row["actor"] for row in rows] == ["erased", "user", "erased", "user", "erased"]
    assert {(row["ip"], row["salt"], row["user_id"]) for row in rows[::2]} == {(None, b"", None)}
    assert all(row["commitment"] for row in rows)
    async with world.pool.connection() as conn:
        cursor = await conn.execute("SELECT u::text FROM users u WHERE id = %s", (user_id,))
        (row,) = await cursor.fetchone() or ("zerafina",)
        keys = await (await conn.execute("SELECT k::text FROM personal_api_keys k")).fetchall()
        cursor = await conn.execute(
            "SELECT chain FROM organizations WHERE id = %s", (world.project.organization_id,)
        )
        (chain,) = await cursor.fetchone() or (0,)
    assert "zerafina" not in f"{row} {keys}".lower()
    assert UserErased(user_id) in await facts(asking, account_stream(chain))
    told = await facts(asking, erasure_stream(world.project.id, number))
    assert sum(isinstance(fact, PayloadErased) for fact in told) == 1
    answer = await world.client.get(
        f"{asking.root}audit/erasures/", headers={"Authorization": f"Bearer {key.key}"}
    )
    assert answer.status_code == 401


async def test_the_only_owner_and_members_elsewhere_stay(asking: Asking) -> None:
    world = asking.world
    await asking.refused(409, "last_owner", user=world.user_id)
    second = await member(asking, "second@example.com", 15)
    assert await asking.asked(user=second)
    await administration.create_user(
        world.pool, "second@example.com", world.foreign.organization_id
    )
    await asking.refused(409, "member_elsewhere", user=second)


async def test_a_hold_in_any_project_keeps_a_user(asking: Asking) -> None:
    world = asking.world
    user_id = await member(asking, "zerafina@example.com")
    other = await administration.create_project(
        world.pool, world.project.organization_id, "Another"
    )
    client = world.client
    body = {"reason": "A lawsuit", "users": [user_id]}
    hold = await client.post(f"/api/projects/{other.id}/audit/holds/", json=body)
    assert hold.status_code == 201, hold.text
    await asking.refused(409, "held", user=user_id)


@pytest.mark.parametrize(
    ("hold", "left"),
    [({}, 9), ({"users": [1]}, 9), ({"insights": [4]}, 6), ({"insights": [5]}, 0)],
)
async def test_reads_that_a_hold_covers_do_not_expire(
    asking: Asking, hold: dict[str, Any], left: int
) -> None:
    """By whole seals, and none beyond the first that is held."""
    world = asking.world
    async with EventStore.open(asking.url) as store:
        for _ in range(3):
            await answered(world.pool, world.project.id, 3, at=OLD)
            await Sealing(store, world.pool).seal_all()
        async with world.pool.connection() as conn:
            await conn.execute("UPDATE reads SET insights = '{4}' WHERE number = 5")
        await asking.post("audit/holds/", {"reason": "A lawsuit", **hold})
        for _ in range(3):
            await Expiring(store, world.pool, 5).expire_all()
    assert len(await reads(world.pool, world.project.id)) == left
