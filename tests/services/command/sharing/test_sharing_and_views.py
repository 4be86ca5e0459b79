"""Sharing an insight and looking at one, over HTTP."""

from typing import Any

import pytest

from contracts.events.streams import viewing_stream
from contracts.events.viewing import InsightViewed
from services.common.log.store import EventStore
from tests.services.command.conftest import World


async def insight(world: World, **fields: Any) -> str:
    answer = await world.client.post(world.insights, json={"name": "A", **fields})
    return f"{world.insights}{answer.json()['id']}/"


async def views(world: World) -> list[int]:
    store: EventStore = world.app.state.store
    facts = await store.load(viewing_stream(world.project.id, world.user_id))
    return [fact.event.insight_id for fact in facts if isinstance(fact.event, InsightViewed)]


async def test_switching_on_makes_a_token_and_switching_on_again_another(world: World) -> None:
    sharing = f"{await insight(world)}sharing/"
    on = (await world.client.patch(sharing, json={"enabled": True})).json()
    still = (await world.client.patch(sharing, json={"enabled": True})).json()
    off = (await world.client.patch(sharing, json={"enabled": False})).json()
    again = (await world.client.patch(sharing, json={"enabled": True})).json()
    assert set(on) == {
        "created_at", "enabled", "access_token", "settings", "password_required", "share_passwords",
    }  # fmt: skip
    assert len(on["access_token"]) >= 30
    assert still["access_token"] == on["access_token"]
    assert (off["enabled"], off["access_token"]) == (False, None)
    assert again["access_token"] not in (None, on["access_token"])
    assert again["created_at"] == on["created_at"]


async def test_settings_keep_the_known_keys_only(world: World) -> None:
    sharing = f"{await insight(world)}sharing/"
    body = {"settings": {"theme": "dark", "legend": True, "colour": "red"}}
    kept = (await world.client.patch(sharing, json=body)).json()
    assert kept["settings"] == {"theme": "dark", "legend": True}
    for wrong in (["a"], "dark", {"theme": "pink"}, {"legend": "maybe"}):
        answer = await world.client.patch(sharing, json={"settings": wrong})
        assert answer.status_code == 400
        assert answer.json()["attr"].startswith("settings")


async def test_refreshing_rotates_the_token(world: World) -> None:
    sharing = f"{await insight(world)}sharing/"
    refused = await world.client.post(f"{sharing}refresh/")
    assert refused.status_code == 400
    old = (await world.client.patch(sharing, json={"enabled": True})).json()["access_token"]
    answer = await world.client.post(f"{sharing}refresh/")
    assert (answer.status_code, answer.json()["access_token"] == old) == (200, False)


async def test_passwords_are_shown_once_and_stored_as_hashes(world: World) -> None:
    sharing = f"{await insight(world)}sharing/"
    early = await world.client.post(f"{sharing}passwords/")
    assert (early.status_code, early.json()["attr"]) == (400, "password_required")
    await world.client.patch(sharing, json={"password_required": True})
    short = await world.client.post(f"{sharing}passwords/", json={"raw_password": "seven77"})
    assert (short.status_code, short.json()["attr"]) == (400, "raw_password")
    chosen = await world.client.post(
        f"{sharing}passwords/", json={"raw_password": "correct horse", "note": "press"}
    )
    made = await world.client.post(f"{sharing}passwords/", headers={"Idempotency-Key": "p"})
    repeat = await world.client.post(f"{sharing}passwords/", headers={"Idempotency-Key": "p"})
    assert (chosen.status_code, chosen.json()["password"]) == (201, "correct horse")
    assert len(made.json()["password"]) >= 16
    assert (repeat.json()["id"], repeat.json()["password"]) == (made.json()["id"], None)
    async with world.pool.connection() as conn:
        rows = await (await conn.execute("SELECT password_hash FROM share_passwords")).fetchall()
        log = await (await conn.execute("SELECT convert_from(state, 'UTF8') FROM log")).fetchall()
    assert len(rows) == 3  # one for the request that was refused: no fact names it
    assert all(hash_.startswith("$argon2") for (hash_,) in rows)
    assert not any("correct horse" in text or "argon2" in text for (text,) in log)


async def test_a_password_can_be_taken_away_once(world: World) -> None:
    sharing = f"{await insight(world)}sharing/"
    await world.client.patch(sharing, json={"password_required": True})
    made = (await world.client.post(f"{sharing}passwords/")).json()
    gone = await world.client.delete(f"{sharing}passwords/{made['id']}/")
    again = await world.client.delete(f"{sharing}passwords/{made['id']}/")
    assert (gone.status_code, again.status_code) == (204, 404)


async def test_sharing_what_is_not_there(world: World) -> None:
    path = await insight(world)
    await world.client.patch(path, json={"deleted": True})
    for sharing in (f"{path}sharing/", f"{world.insights}424242/sharing/"):
        answer = await world.client.patch(sharing, json={"enabled": True})
        assert (answer.status_code, answer.json()["detail"]) == (404, "Insight not found.")


async def test_sharing_has_versions_of_its_own(world: World) -> None:
    path = await insight(world)
    on = await world.client.patch(f"{path}sharing/", json={"enabled": True})
    stale = {"If-Match": on.headers["etag"]}
    off = await world.client.patch(f"{path}sharing/", json={"enabled": False}, headers=stale)
    late = await world.client.patch(f"{path}sharing/", json={"enabled": True}, headers=stale)
    assert (on.headers["etag"][:3], off.status_code, late.status_code) == ('"1-', 200, 412)
    assert late.json()["changes"][0]["field"] == "sharing"


async def test_a_late_writer_is_told_of_passwords_and_rotations_by_name_alone(
    world: World,
) -> None:
    sharing = f"{await insight(world)}sharing/"
    on = await world.client.patch(sharing, json={"enabled": True})
    required = await world.client.patch(sharing, json={"password_required": True})
    made = await world.client.post(f"{sharing}passwords/", json={"raw_password": "correct horse"})
    number = made.json()["id"]
    await world.client.delete(f"{sharing}passwords/{number}/")
    rotated = await world.client.post(f"{sharing}refresh/")
    late = await world.client.patch(
        sharing, json={"enabled": False}, headers={"If-Match": on.headers["etag"]}
    )
    assert (required.status_code, late.status_code) == (200, 412)
    assert [(told["field"], told["before"], told["after"]) for told in late.json()["changes"]] == [
        ("password_required", False, True),
        ("share_passwords", None, number),
        ("share_passwords", number, None),
        ("access_token", None, None),
    ]
    for secret in ("correct horse", rotated.json()["access_token"], on.json()["access_token"]):
        assert secret not in late.text


async def test_a_view_is_recorded_and_moves_no_insight(world: World) -> None:
    path = await insight(world)
    answer = await world.client.post(f"{path}viewed/", content="whatever")
    assert (answer.status_code, answer.content) == (201, b"")
    assert await views(world) == [int(path.split("/")[-2])]
    after = await world.client.patch(path, json={})
    assert after.headers["etag"].startswith('"1-')


async def test_several_views_skip_what_is_not_there(world: World) -> None:
    one, two = [int((await insight(world)).split("/")[-2]) for _ in range(2)]
    await world.client.patch(f"{world.insights}{two}/", json={"deleted": True})
    body = {"insight_ids": [two, 999_999, one, one]}
    answer = await world.client.post(f"{world.insights}viewed/", json=body)
    assert answer.status_code == 201
    assert await views(world) == [one]


@pytest.mark.parametrize(
    "body",
    [{}, {"insight_ids": []}, {"insight_ids": ["x"]}, {"insight_ids": list(range(1, 2502))}],
)
async def test_a_list_of_views_that_is_wrong_is_refused(world: World, body: Any) -> None:
    answer = await world.client.post(f"{world.insights}viewed/", json=body)
    assert (answer.status_code, answer.json()["attr"]) == (400, "insight_ids")


async def test_a_view_of_what_is_not_there_is_not_found(world: World) -> None:
    path = await insight(world)
    await world.client.patch(path, json={"deleted": True})
    for gone in (path, f"{world.insights}424242/"):
        assert (await world.client.post(f"{gone}viewed/")).status_code == 404
