"""Making and changing webhooks over HTTP."""

import asyncio
import base64
from typing import Any

import pytest
from httpx import Response

from contracts.api.webhooks import webhook_number
from contracts.codec import encode_event
from contracts.events.streams import webhook_stream
from tests.services.command.conftest import World
from tests.services.command.test_repeats_at_once import PUBLIC, park, promoted


def path(world: World, rest: str = "") -> str:
    return f"/api/projects/{world.project.id}/webhooks/{rest}"


async def make(world: World, **fields: Any) -> dict[str, Any]:
    answer = await world.client.post(path(world), json={"url": PUBLIC, **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(autouse=True)
async def administrator(world: World) -> None:
    await promoted(world)


async def test_a_webhook_begins_now_with_a_secret_that_is_shown_once(world: World) -> None:
    await world.client.post(world.insights, json={"name": "A"})
    made = await make(world)
    secret = made.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert made.pop("id").startswith("wh_")
    assert made.pop("created_by")["email"] == "ada@example.com"
    assert made.pop("created_at") == made.pop("updated_at")
    after = made.pop("after")
    assert (after.partition("-")[0], len(after)) == ("1", 18)
    assert made == {
        "url": PUBLIC,
        "description": "",
        "types": [],
        "insights": None,
        "state": "active",
        "disabled_reason": None,
        "max_in_flight": 8,
        "signature": "v1",
        "public_key": None,
        "delivered": after,
        "pending": 0,
        "parked": [],
        "version": 1,
    }


async def test_no_fact_holds_what_opens_anything(world: World) -> None:
    made = await make(world, url=f"{PUBLIC}?token=hidden", signature="both")
    number = webhook_number(made["id"])
    assert number is not None
    facts = await world.app.state.store.load(webhook_stream(world.project.id, number))
    text = b"".join(encode_event(fact.event) for fact in facts)
    assert b"93.184.215.14" in text
    for hidden in ("hidden", "whsec", "whsk", made["secret"]):
        assert hidden.encode() not in text
    async with world.pool.connection() as conn:
        row = await (await conn.execute("SELECT private_key FROM webhook_secrets "
                                        "WHERE private_key IS NOT NULL")).fetchone()  # fmt: skip
    assert row is not None
    assert row[0].startswith("whsk_")
    assert len(base64.b64decode(made["public_key"].removeprefix("whpk_"))) == 32


@pytest.mark.parametrize(
    ("fields", "attr", "code"),
    [
        ({"url": None}, "url", "null"),
        ({"url": "http://example.com/"}, "url", "invalid_input"),
        ({"url": "https://ada:x@93.184.215.14/"}, "url", "invalid_input"),
        ({"url": "https://example.com/" + "x" * 2_000}, "url", "max_length"),
        ({"url": "https://127.0.0.1/"}, "url", "forbidden_address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "forbidden_address"),
        ({"url": "https://localhost/"}, "url", "forbidden_address"),
        ({"url": "https://nowhere.invalid/"}, "url", "forbidden_address"),
        ({"types": ["insight"]}, "types", "invalid_input"),
        ({"types": ["insigth.*"]}, "types", "invalid_input"),
        ({"insights": [0]}, "insights", "invalid_input"),
        ({"max_in_flight": 0}, "max_in_flight", "min_value"),
        ({"max_in_flight": 33}, "max_in_flight", "max_value"),
        ({"signature": "v2"}, "signature", "invalid_choice"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    world: World, fields: dict[str, Any], attr: str, code: str
) -> None:
    made = await make(world)
    for answer in (
        await world.client.post(path(world), json={"url": PUBLIC, **fields}),
        await world.client.patch(path(world, f"{made['id']}/"), json=fields),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["attr"], problem["code"]) == (400, attr, code)


async def test_where_it_begins_is_a_cursor_of_this_log(world: World) -> None:
    await world.client.post(world.insights, json={"name": "A"})
    begun = await make(world, after="0")
    assert begun["after"] == "0-0000000000000000"
    known = await make(world, after="now")
    again = await make(world, after=known["after"])
    assert again["after"] == known["after"]
    for after, status, code in (
        ("soon", 400, "invalid_input"),
        ("99", 409, "cursor_ahead"),
        ("1-0000000000000000", 409, "cursor_elsewhere"),
    ):
        answer = await world.client.post(path(world), json={"url": PUBLIC, "after": after})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    moved = await world.client.patch(path(world, f"{known['id']}/"), json={"after": "0"})
    assert (moved.status_code, moved.json()["attr"]) == (400, "after")
    missing = await world.client.post(path(world), json={})
    assert (missing.json()["attr"], missing.json()["code"]) == ("url", "required")


async def test_a_change_holds_its_version(world: World) -> None:
    answer = await world.client.post(path(world), json={"url": PUBLIC})
    one, known = path(world, f"{answer.json()['id']}/"), {"If-Match": answer.headers["etag"]}
    fields = {"types": ["insight.*", "insight.*"], "insights": [1, 2], "description": "Lake"}
    changed = await world.client.patch(one, json=fields, headers=known)
    body = changed.json()
    assert (body["types"], body["insights"], body["version"]) == (["insight.*"], [1, 2], 2)
    assert "secret" not in body
    late = await world.client.patch(one, json={"url": f"{PUBLIC}/2"}, headers=known)
    assert late.status_code == 412
    assert [told["field"] for told in late.json()["changes"]] == [
        "description", "types", "insights",
    ]  # fmt: skip
    moved = await world.client.patch(one, json={"url": f"{PUBLIC}/2"})
    assert (moved.json()["url"], moved.json()["version"]) == (f"{PUBLIC}/2", 3)
    same = await world.client.patch(one, json={"url": f"{PUBLIC}/2"})
    assert same.json()["version"] == 3


async def test_a_rotation_shows_the_new_secret_and_a_deletion_forgets_all(world: World) -> None:
    made = await make(world)
    one = path(world, f"{made['id']}/")
    rotated = await world.client.post(f"{one}rotate_secret/")
    assert rotated.json()["secret"] not in (None, made["secret"])
    assert (await world.client.delete(one)).status_code == 204
    async with world.pool.connection() as conn:
        left = await (await conn.execute("SELECT count(*) FROM webhook_secrets")).fetchone()
    assert left == (0,)
    for answer in (
        await world.client.delete(one),
        await world.client.post(f"{one}pause/"),
        await world.client.post(f"{one}rotate_secret/"),
        await world.client.post(f"{one}replay/", json={"after": "0"}),
        await world.client.post(f"{one}test/"),
        await world.client.post(path(world, "1/pause/")),
    ):
        assert answer.status_code == 404


async def test_it_is_paused_resumed_and_its_lanes_released(world: World) -> None:
    made = await make(world)
    one = path(world, f"{made['id']}/")
    assert (await world.client.post(f"{one}pause/")).json()["state"] == "paused"
    assert (await world.client.post(f"{one}resume/")).json()["state"] == "active"
    await park(world, webhook_number(made["id"]) or 0, "insight/7", "dashboard/2")
    refused = await world.client.post(f"{one}parked/insight/9/retry/")
    assert refused.status_code == 404
    encoded = await world.client.post(f"{one}parked/insight%2F7/retry/")
    assert (encoded.status_code, encoded.json()["parked"]) == (200, ["dashboard/2"])
    plain = await world.client.post(f"{one}parked/dashboard/2/skip/")
    assert plain.json()["parked"] == []


async def test_a_project_has_twenty_however_many_are_made_at_once(world: World) -> None:
    asked = (world.client.post(path(world), json={"url": PUBLIC}) for _ in range(25))
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 5
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"too_many"}
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    await world.client.delete(path(world, f"{made['id']}/"))
    assert (await world.client.post(path(world), json={"url": PUBLIC})).status_code == 201


async def test_numbers_that_no_webhook_got_are_given_back(world: World) -> None:
    async with world.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO webhook_ids (team_id, slot, made_at)"
            " SELECT %s, slot, now() - interval '1 hour' FROM generate_series(1, 20) AS slot",
            (world.project.id,),
        )
    await make(world)


async def test_a_replay_is_written_down_for_the_deliverer(world: World) -> None:
    await world.client.post(world.insights, json={"name": "A"})
    made = await make(world)
    replay = path(world, f"{made['id']}/replay/")
    answer = await world.client.post(replay, json={"after": "0", "types": ["insight.*"]})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["after"], body["types"]) == ("0-0000000000000000", ["insight.*"])
    assert body["through"].startswith("2-")
    refused: list[tuple[Response, str]] = [
        (await world.client.post(replay, json={}), "after"),
        (await world.client.post(replay, json={"after": "2", "through": "1"}), "through"),
        (await world.client.post(replay, json={"after": "0", "types": ["x"]}), "types"),
    ]
    for answer, attr in refused:
        assert (answer.status_code, answer.json()["attr"]) == (400, attr)


async def test_who_is_no_administrator_or_has_no_scope_is_refused(world: World) -> None:
    made = await make(world)
    reader = await world.key_with("webhook:read")
    assert (await world.client.post(path(world), json={}, headers=reader)).status_code == 403
    async with world.pool.connection() as conn:
        await conn.execute("UPDATE organization_members SET level = 1")
    one = path(world, f"{made['id']}/")
    for method, url in (
        ("POST", path(world)), ("PATCH", one), ("DELETE", one), ("POST", f"{one}pause/"),
        ("POST", f"{one}rotate_secret/"), ("POST", f"{one}test/"),
        ("POST", f"{one}parked/insight/1/skip/"),
    ):  # fmt: skip
        body = {"url": PUBLIC} if method in ("POST", "PATCH") else None
        answer = await world.client.request(method, url, json=body)
        assert answer.status_code == 403, url
    replay = await world.client.post(f"{one}replay/", json={"after": "0"})
    assert replay.status_code == 403


async def test_another_project_s_webhook_is_not_there(world: World) -> None:
    made = await make(world)
    other = await world.client.post("/api/projects/", json={"name": "Other"})
    root = f"/api/projects/{other.json()['id']}/webhooks/{made['id']}/"
    for method, url in (("PATCH", root), ("DELETE", root), ("POST", f"{root}rotate_secret/")):
        assert (await world.client.request(method, url, json={})).status_code == 404
    assert (await world.client.delete(path(world, f"{made['id']}/"))).status_code == 204
