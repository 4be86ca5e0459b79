"""Bus consumers over HTTP: made, listed, changed, ended, and refused."""

import asyncio
from typing import Any

import pytest

from contracts.chain import BEGINNING
from contracts.cursors import cursor_text, link_text
from services.common.accounts import administration
from tests.services.command.bus_consumers.conftest import BusWorld, subscriber, take
from tests.waiting import seen

START = link_text(BEGINNING)


async def test_the_answer_is_all_that_a_subscriber_needs_and_tells_the_password_once(
    world: BusWorld,
) -> None:
    answer = await world.client.post(
        world.path(), json={"name": " Billing ", "after": "0", "types": ["insight.*", "action.*"]}
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    key = made["id"]
    assert key.startswith("bc_")
    assert key[3:].isalnum()
    assert made["url"] == f"nats://127.0.0.1:{world.bus.url.rpartition(':')[2]}"
    assert (made["user"], made["consumer"], made["stream"]) == (key, key, "INSIGHTS")
    assert made["inbox_prefix"] == f"_INBOX_{key}"
    assert (made["name"], made["types"]) == ("Billing", ["action.*", "insight.*"])
    assert (made["after"], made["acknowledged"], made["connected"]) == (START, START, 0)
    assert (made["paused"], made["locked_out"], made["version"]) == (False, None, 1)
    assert made["created_by"]["id"] == world.ada
    assert len(made["password"]) >= 43
    info = await world.streams.consumer_info("INSIGHTS", key)
    assert (info.config.max_ack_pending, info.config.ack_wait) == (1000, 30)
    for later in (
        (await world.client.get(f"{world.path()}{key}/")).text,
        (await world.client.get(world.path())).text,
        (await world.patch(made, name="Invoices")).text,
    ):
        assert made["password"] not in later
        assert '"password"' not in later
    entries = await world.app.state.store.entries(0)
    assert all(made["password"].encode() not in bytes(entry.event) for entry in entries)


async def test_acknowledged_pending_and_connected_follow_the_subscriber(world: BusWorld) -> None:
    made = await world.make(after="now")
    await world.happen(3)
    await world.stored()
    async with subscriber(made) as client:
        found = await take(client, made, 2)
        told = await world.get(made)
        assert told["connected"] == 1
        assert told["pending"] == 1
        position = found[-1]["position"]
        (entry,) = await world.app.state.store.entries(int(position) - 1, 1)
        assert told["acknowledged"] == cursor_text(entry.team_seq, entry.hash)
        assert told["after"] == made["after"]


async def test_a_seek_begins_anew_there(world: BusWorld) -> None:
    made = await world.make(after="now")
    names = await world.happen(3)
    async with subscriber(made) as client:
        before = await take(client, made, 3)
        answer = await world.patch(made, after=made["after"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["acknowledged"] == made["after"]
        again = await take(client, made, 3)
        assert again == before
        # Backwards is one way; the head is another.
        await world.patch(made, after="now")
        await world.happen(1)
        (newest,) = await take(client, made, 1)
        assert newest not in before
    assert len(names) == 3


async def test_types_decide_what_comes_and_what_was_acknowledged_stays_so(world: BusWorld) -> None:
    made = await world.make(after="now", types=["dashboard.*"])
    await world.happen(1)
    post = world.client.post
    await post(f"/api/projects/{world.shop.id}/dashboards/", json={"name": "D"})
    async with subscriber(made) as client:
        (first,) = await take(client, made, 1)
        assert first["bus"].endswith(".dashboard.created.v1")
        wider = ["dashboard.*", "dashboard.created.v1", "action.renamed.v1", "action.created.v1"]
        answer = await world.patch(made, types=wider)
        assert answer.json()["types"] == [
            "action.created.v1", "action.renamed.v1", "dashboard.*", "dashboard.created.v1",
        ]  # fmt: skip
        await world.happen(1)
        (second,) = await take(client, made, 1)
        assert second["bus"].endswith(".action.created.v1")
        assert (await world.patch(made, types=[])).json()["types"] == []
        third = await take(client, made, 1)
        assert third[0]["bus"].endswith(".bus_consumer.types_changed.v1")


async def test_while_it_is_paused_nothing_comes_and_nothing_is_lost(world: BusWorld) -> None:
    made = await world.make(after="now")
    assert (await world.patch(made, paused=True)).json()["paused"] is True
    await world.happen(2)
    await world.stored()
    async with subscriber(made) as client:
        reading = await client.jetstream().pull_subscribe_bind(made["consumer"], "INSIGHTS")
        with pytest.raises(TimeoutError):
            await reading.fetch(1, timeout=0.5)
        await reading.unsubscribe()
        # Paused and sought at once, it stays paused where it begins.
        assert (await world.patch(made, after=made["after"])).status_code == 200
        info = await world.streams.consumer_info("INSIGHTS", made["consumer"])
        assert info.num_pending == 2
        await world.patch(made, paused=False)
        await take(client, made, 2)


async def test_what_is_deleted_is_nowhere(world: BusWorld) -> None:
    made, kept = await world.make(), await world.make()
    path = f"{world.path()}{made['id']}/"
    assert (await world.client.delete(path)).status_code == 204
    assert (await world.client.get(path)).status_code == 404
    assert (await world.client.delete(path)).status_code == 404
    assert (await world.patch(made, name="B")).status_code == 404
    assert (await world.client.post(f"{path}rotate_password/")).status_code == 404
    listed = (await world.client.get(world.path())).json()
    assert [one["id"] for one in listed["results"]] == [kept["id"]]
    consumers = await world.streams.consumers_info("INSIGHTS")
    assert {one.name for one in consumers} == {kept["consumer"]}


async def test_versions_repeats_and_changes_are_those_of_any_command(world: BusWorld) -> None:
    made = await world.make()
    path = f"{world.path()}{made['id']}/"
    edited = await world.client.patch(
        path, json={"name": "B"}, headers={"If-Match": '"1"', "Idempotency-Key": "edit"}
    )
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    again = await world.client.patch(
        path, json={"name": "B"}, headers={"If-Match": '"1"', "Idempotency-Key": "edit"}
    )
    assert (again.status_code, again.json()["version"]) == (200, 2)
    stale = await world.client.patch(path, json={"name": "C"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    (change,) = stale.json()["changes"]
    assert (change["field"], change["before"], change["after"]) == ("name", "Billing", "B")
    read = await world.client.get(path)
    assert read.headers["etag"].startswith('"2-')
    nothing = await world.patch(made, name="B", paused=False, types=["action.*"])
    assert nothing.json()["version"] == 2, "what changes nothing is no fact"


async def test_a_repeat_of_the_creation_tells_the_same_password(world: BusWorld) -> None:
    async def create() -> dict[str, Any]:
        answer = await world.client.post(
            world.path(), json={"name": "A"}, headers={"Idempotency-Key": "create"}
        )
        assert answer.status_code == 201
        body: dict[str, Any] = answer.json()
        return body

    first, second = await create(), await create()
    assert (first["id"], first["password"]) == (second["id"], second["password"])


@pytest.mark.parametrize(
    ("fields", "status", "code", "attr"),
    [
        ({}, 400, "required", "name"),
        ({"name": ""}, 400, None, "name"),
        ({"name": "A", "after": "yesterday"}, 400, "invalid_input", "after"),
        ({"name": "A", "after": "99999"}, 409, "cursor_ahead", "after"),
        ({"name": "A", "after": "1-0123456789abcdef"}, 409, "cursor_elsewhere", "after"),
        ({"name": "A", "types": ["insght.*"]}, 400, "invalid_input", "types"),
        ({"name": "A", "types": "insight.*"}, 400, None, "types"),
    ],
)
async def test_what_is_refused_names_the_field(
    world: BusWorld, fields: dict[str, Any], status: int, code: str | None, attr: str
) -> None:
    await world.happen(1)
    answer = await world.client.post(world.path(), json=fields)
    assert (answer.status_code, answer.json()["attr"]) == (status, attr), answer.text
    if code is not None:
        assert answer.json()["code"] == code


async def test_there_are_twenty_at_most(world: BusWorld) -> None:
    for _ in range(20):
        await world.make(world.other)
    answer = await world.client.post(world.path(world.other), json={"name": "A"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
    one = (await world.client.get(world.path(world.other))).json()["results"][0]
    await world.client.delete(f"{world.path(world.other)}{one['id']}/")
    await world.make(world.other)


async def test_nor_are_there_more_when_many_are_made_at_once(world: BusWorld) -> None:
    asked = [world.client.post(world.path(), json={"name": f"{n}"}) for n in range(24)]
    codes = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert (codes.count(201), codes.count(409)) == (20, 4)


async def test_they_are_administrators_own(world: BusWorld) -> None:
    made = await world.make()
    member = await administration.create_user(
        world.pool, "member@example.com", world.shop.organization_id
    )
    _, as_member = await world.key_of(member)
    issued = await administration.create_key(world.pool, world.ada, scopes=["webhook:read"])
    as_reader = {"Authorization": f"Bearer {issued.key}"}
    one = f"{world.path()}{made['id']}/"
    for method, path, body in (
        ("GET", world.path(), None),
        ("GET", one, None),
        ("POST", world.path(), {"name": "A"}),
        ("PATCH", one, {"name": "B"}),
        ("POST", f"{one}rotate_password/", None),
        ("DELETE", one, None),
    ):
        refused = await world.client.request(method, path, json=body, headers=as_member)
        assert refused.status_code == 403, (method, path)
        read = await world.client.request(method, path, json=body, headers=as_reader)
        assert read.status_code == (200 if method == "GET" else 403), (method, path)


async def test_another_projects_is_not_found(world: BusWorld) -> None:
    made = await world.make()
    elsewhere = f"{world.path(world.other)}{made['id']}/"
    assert (await world.client.get(elsewhere)).status_code == 404
    assert (await world.client.delete(elsewhere)).status_code == 404
    assert (await world.client.get(f"{world.path()}bc_nobody/")).status_code == 404


async def test_its_life_is_told_as_facts(world: BusWorld) -> None:
    made = await world.make(after="now")
    head = await world.app.state.store.head()
    await world.patch(made, name="B", paused=True)
    await world.client.post(f"{world.path()}{made['id']}/rotate_password/")
    await world.client.delete(f"{world.path()}{made['id']}/")

    async def told() -> list[str]:
        return [entry.name for entry in await world.app.state.store.entries(head)]

    assert await seen(told, bool) == [
        "bus_consumer.renamed.v1",
        "bus_consumer.paused.v1",
        "bus_consumer.password_rotated.v1",
        "bus_consumer.deleted.v1",
    ]


async def test_what_was_done_to_a_consumer_is_taken_back(world: BusWorld) -> None:
    made = await world.make(after="now")
    edited = await world.patch(made, name="Ledger", types=["cohort.*"])
    root = f"/api/projects/{world.shop.id}/operations"
    undo = f"{root}/{edited.headers['Insights-Operation']}/undo/"
    answer = await world.client.post(undo, json={})
    assert answer.status_code == 200, answer.text
    (change,) = answer.json()["changes"]
    assert change["sentences"] == [
        'Renamed from "Ledger" to "Billing".',
        "Facts of the types action.* instead of cohort.*.",
    ]
    shown = await world.get(made)
    assert (shown["name"], shown["types"]) == ("Billing", ["action.*"])
    again = await world.client.post(undo, json={})
    assert (again.json()["undone"], len(again.json()["already"])) == ([], 1)
