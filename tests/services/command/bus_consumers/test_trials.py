"""Bus consumers are tried, and made and changed as the trial showed."""

from typing import Any

from tests.services.command.bus_consumers.conftest import BusWorld

DRY = {"dry_run": "true"}


def plan(trial: Any) -> dict[str, str]:
    return {"If-Match": f'"{trial["plan"]}"'}


async def tried(world: BusWorld, method: str, path: str, body: Any = None) -> dict[str, Any]:
    store = world.app.state.store
    before = await store.head()
    answer = await world.client.request(method, path, json=body, params=DRY)
    assert answer.status_code == 200, answer.text
    assert await store.head() == before
    told: dict[str, Any] = answer.json()
    return told


async def passwords(world: BusWorld) -> int:
    async with world.pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM bus_passwords")).fetchone()
    return int(row[0]) if row else 0


async def test_a_consumer_is_made_as_its_trial_showed(world: BusWorld) -> None:
    body = {"name": "Billing", "after": "now", "types": ["action.*"]}
    await world.happen(3)
    count, there = await passwords(world), await world.client.get(world.path())
    trial = await tried(world, "POST", world.path(), body)
    (event,) = trial["events"]
    assert (trial["status"], event["type"]) == (201, "bus_consumer.created.v1")
    assert event["data"]["password_id"] is None
    # Nothing of it is there: no place, no password.
    assert await passwords(world) == count
    assert (await world.client.get(world.path())).json() == there.json()
    assert (await world.client.get(f"{world.path()}{event['data']['key']}/")).status_code == 404
    # It begins where the trial said, whatever has come since.
    await world.happen(2)
    answer = await world.client.post(world.path(), json=body, headers=plan(trial))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["id"] == event["data"]["key"]
    assert made["after"].split("-")[0] == str(event["data"]["after"]["sequence"])
    assert made["password"]
    assert await world.streams.consumer_info("INSIGHTS", made["id"])
    again = await world.client.post(world.path(), json=body, headers=plan(trial))
    assert (again.status_code, again.json()["code"]) == (412, "stale")


async def test_a_change_a_new_password_and_the_end_are_tried(world: BusWorld) -> None:
    made = await world.make(after="0")
    path, count = f"{world.path()}{made['id']}/", await passwords(world)
    paused = await tried(world, "PATCH", path, {"paused": True})
    assert paused["sentences"]
    assert not (await world.get(made))["paused"]
    answer = await world.client.patch(path, json={"paused": True}, headers=plan(paused))
    assert answer.json()["paused"], answer.text
    other = await world.client.patch(path, json={"paused": False}, headers=plan(paused))
    assert (other.status_code, other.json()["code"]) == (422, "plan_mismatch")
    rotation = await tried(world, "POST", f"{path}rotate_password/")
    assert rotation["events"][0]["data"]["password_id"] is None
    assert await passwords(world) == count
    rotated = await world.client.post(f"{path}rotate_password/", headers=plan(rotation))
    assert rotated.json()["password"] not in (None, made["password"])
    end = await tried(world, "DELETE", path)
    assert (await world.client.get(path)).status_code == 200
    assert (await world.client.delete(path, headers=plan(end))).status_code == 204
    assert (await world.client.get(path)).status_code == 404
