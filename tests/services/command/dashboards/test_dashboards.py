"""Dashboards over HTTP, and what becomes of the insights on them."""

import asyncio
from typing import Any

import pytest

from services.common.accounts import administration
from tests.services.command.conftest import World


async def make(world: World, what: str, **fields: Any) -> dict[str, Any]:
    answer = await world.client.post(f"/api/projects/{world.project.id}/{what}/", json=fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def change(world: World, what: str, number: int, **fields: Any) -> dict[str, Any]:
    path = f"/api/projects/{world.project.id}/{what}/{number}/"
    answer = await world.client.patch(path, json=fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def member(world: World) -> dict[str, str]:
    """Headers of another member of the organization, no administrator."""
    user = await administration.create_user(
        world.pool, "bob@example.com", world.project.organization_id
    )
    key = await administration.create_key(world.pool, user)
    return {"Authorization": f"Bearer {key.key}"}


async def test_a_creation_answers_with_the_whole_dashboard(world: World) -> None:
    body = await make(world, "dashboards", name="Growth", filters={"date_from": "-7d"}, tags=["B"])
    assert (body["name"], body["description"], body["tags"]) == ("Growth", "", ["b"])
    assert (body["filters"], body["tiles"], body["deleted"]) == ({"date_from": "-7d"}, [], False)
    assert (body["restriction_level"], body["effective_privilege_level"]) == (21, 37)
    assert body["created_by"]["email"] == "ada@example.com"


async def test_an_insight_goes_on_dashboards_and_off_them(world: World) -> None:
    one, two = [(await make(world, "dashboards", name=name))["id"] for name in ("One", "Two")]
    made = await make(world, "insights", name="A", dashboards=[two, one, two])
    assert made["dashboards"] == [two, one]
    tiles = {tile["dashboard_id"]: tile["id"] for tile in made["dashboard_tiles"]}
    assert len(set(tiles.values())) == 2
    moved = await change(world, "insights", made["id"], dashboards=[one])
    assert moved["dashboards"] == [one]
    back = await change(world, "insights", made["id"], dashboards=[one, two])
    assert {tile["dashboard_id"]: tile["id"] for tile in back["dashboard_tiles"]} == tiles
    shown = await change(world, "dashboards", two, name="Zwei")
    assert [(tile["id"], tile["insight"]["id"]) for tile in shown["tiles"]] == [
        (tiles[two], made["id"])
    ]


async def test_dashboards_that_are_not_there_are_refused(world: World) -> None:
    gone = (await make(world, "dashboards"))["id"]
    await change(world, "dashboards", gone, deleted=True)
    made = await make(world, "insights")
    for wrong in (gone, 424242):
        for answer in (
            await world.client.post(world.insights, json={"dashboards": [wrong]}),
            await world.client.patch(
                f"{world.insights}{made['id']}/", json={"dashboards": [wrong]}
            ),
        ):
            problem = answer.json()
            assert (answer.status_code, problem["attr"]) == (400, "dashboards")
            assert problem["code"] == "does_not_exist"


async def test_deleting_a_dashboard_takes_its_tiles_along_and_restoring_brings_them_back(
    world: World,
) -> None:
    board = (await make(world, "dashboards", name="Growth"))["id"]
    other = (await make(world, "dashboards", name="Other"))["id"]
    insight = await make(world, "insights", dashboards=[board, other])
    deleted = await change(world, "dashboards", board, deleted=True)
    assert (deleted["deleted"], deleted["tiles"]) == (True, [])
    without = await change(world, "insights", insight["id"], name="B")
    assert without["dashboards"] == [other]
    restored = await change(world, "dashboards", board, deleted=False)
    assert [tile["insight"]["id"] for tile in restored["tiles"]] == [insight["id"]]
    again = await change(world, "insights", insight["id"])
    assert again["dashboard_tiles"] == insight["dashboard_tiles"]


async def test_a_tile_that_was_off_before_the_deletion_stays_off_after_the_restoration(
    world: World,
) -> None:
    board = (await make(world, "dashboards"))["id"]
    insight = (await make(world, "insights", dashboards=[board]))["id"]
    await change(world, "insights", insight, dashboards=[])
    await change(world, "dashboards", board, deleted=True)
    assert (await change(world, "dashboards", board, deleted=False))["tiles"] == []


async def test_insights_can_go_with_their_dashboard_and_come_back_with_it(world: World) -> None:
    board = (await make(world, "dashboards"))["id"]
    insight = (await make(world, "insights", dashboards=[board]))["id"]
    await change(world, "dashboards", board, deleted=True, delete_insights=True)
    path = f"{world.insights}{insight}/"
    assert (await world.client.patch(path, json={"name": "x"})).status_code == 404
    restored = await change(world, "dashboards", board, deleted=False)
    assert [tile["insight"]["deleted"] for tile in restored["tiles"]] == [False]


async def test_an_insight_on_another_dashboard_too_stays_on_that_one(world: World) -> None:
    board = (await make(world, "dashboards"))["id"]
    other = (await make(world, "dashboards"))["id"]
    insight = (await make(world, "insights", dashboards=[board, other]))["id"]
    await change(world, "dashboards", board, deleted=True, delete_insights=True)
    assert (await change(world, "insights", insight))["dashboards"] == [other]
    await change(world, "dashboards", board, deleted=False)
    assert (await change(world, "insights", insight))["dashboards"] == [board, other]


async def test_tiles_are_arranged_taken_off_and_put_back(world: World) -> None:
    board = (await make(world, "dashboards"))["id"]
    insight = await make(world, "insights", dashboards=[board])
    (tile,) = insight["dashboard_tiles"]
    wide = {"sm": {"w": 6, "h": 5}}
    sent = {"id": tile["id"], "color": "blue", "layouts": wide, "insight": {"id": 1}}
    (arranged,) = (await change(world, "dashboards", board, tiles=[sent]))["tiles"]
    assert (arranged["color"], arranged["layouts"], arranged["deleted"]) == ("blue", wide, False)
    off = await change(world, "dashboards", board, tiles=[{"id": tile["id"], "deleted": True}])
    assert off["tiles"] == []
    assert (await change(world, "insights", insight["id"]))["dashboards"] == []
    on = await change(world, "dashboards", board, tiles=[{"id": tile["id"], "deleted": False}])
    assert [(t["id"], t["color"]) for t in on["tiles"]] == [(tile["id"], "blue")]


async def test_many_come_on_one_dashboard_at_once_and_all_are_there(world: World) -> None:
    board = (await make(world, "dashboards"))["id"]
    insights = await asyncio.gather(
        *(make(world, "insights", dashboards=[board]) for _ in range(12))
    )
    tiles = (await change(world, "dashboards", board, pinned=True))["tiles"]
    assert {tile["insight"]["id"] for tile in tiles} == {insight["id"] for insight in insights}


async def test_no_insight_is_left_on_a_dashboard_that_is_deleted_meanwhile(world: World) -> None:
    board = (await make(world, "dashboards"))["id"]
    insights = [(await make(world, "insights", dashboards=[]))["id"] for _ in range(8)]
    path = f"/api/projects/{world.project.id}/dashboards/{board}/"
    puts = [
        world.client.patch(f"{world.insights}{number}/", json={"dashboards": [board]})
        for number in insights
    ]
    gone = world.client.patch(path, json={"deleted": True})
    answers = await asyncio.gather(*puts[:4], gone, *puts[4:])
    assert {answer.status_code for answer in answers} <= {200, 400}
    assert answers[4].status_code == 200
    for number in insights:
        assert (await change(world, "insights", number))["dashboards"] == []


async def test_a_closed_dashboard_is_its_owners(world: World) -> None:
    board = await make(world, "dashboards", restriction_level=37)
    path = f"/api/projects/{world.project.id}/dashboards/{board['id']}/"
    bob = await member(world)
    assert (await world.client.patch(path, json={"name": "x"}, headers=bob)).status_code == 403
    theirs = await world.client.post(
        world.insights, json={"dashboards": [board["id"]]}, headers=bob
    )
    assert (theirs.status_code, theirs.json()["code"]) == (403, "permission_denied")
    await change(world, "dashboards", board["id"], restriction_level=21)
    opened = await world.client.patch(path, json={"name": "x"}, headers=bob)
    assert (opened.status_code, opened.json()["user_access_level"]) == (200, "editor")
    closing = await world.client.patch(path, json={"restriction_level": 37}, headers=bob)
    assert closing.status_code == 403


async def test_if_match_and_idempotency_hold_for_dashboards_too(world: World) -> None:
    keyed = {"Idempotency-Key": "d-1"}
    url = f"/api/projects/{world.project.id}/dashboards/"
    made = await world.client.post(url, json={"name": "A"}, headers=keyed)
    again = await world.client.post(url, json={"name": "A"}, headers=keyed)
    assert again.content == made.content
    path, etag = f"{url}{made.json()['id']}/", {"If-Match": made.headers["etag"]}
    assert (await world.client.patch(path, json={"name": "B"}, headers=etag)).status_code == 200
    late = await world.client.patch(path, json={"name": "C"}, headers=etag)
    assert late.status_code == 412
    (told,) = late.json()["changes"]
    assert (told["field"], told["before"], told["after"]) == ("name", "A", "B")


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"name": "x" * 401}, "name"),
        ({"restriction_level": 22}, "restriction_level"),
        ({"filters": [1]}, "filters"),
        ({"tiles": [{"color": "blue"}]}, "tiles__id"),
        ({"tiles": [{"id": 1, "layouts": 5}]}, "tiles__layouts"),
    ],
)
async def test_a_field_that_is_wrong_is_named(world: World, body: Any, attr: str) -> None:
    answer = await world.client.post(f"/api/projects/{world.project.id}/dashboards/", json=body)
    assert (answer.status_code, answer.json()["attr"]) == (400, attr)


async def test_who_may_not_write_dashboards_and_where_there_is_none(world: World) -> None:
    url = f"/api/projects/{world.project.id}/dashboards/"
    reader = await world.client.post(url, headers=await world.key_with("dashboard:read"))
    assert reader.json()["detail"] == "API key missing required scope 'dashboard:write'"
    for nothing in ("424242", "growth"):
        assert (await world.client.patch(f"{url}{nothing}/", json={})).status_code == 404
    wrong = await world.client.request("DELETE", f"{url}1/")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
