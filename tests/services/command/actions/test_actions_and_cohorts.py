"""Writing actions and cohorts over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.services.command.conftest import World

RICH = {
    "properties": {"type": "AND", "values": [{"key": "plan", "type": "person", "value": "pro"}]}
}


def path(world: World, what: str) -> str:
    return f"/api/projects/{world.project.id}/{what}/"


async def make(world: World, what: str, **fields: Any) -> dict[str, Any]:
    answer = await world.client.post(path(world, what), json=fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_an_action_keeps_what_it_knows_of_its_steps(world: World) -> None:
    step = {"event": "$autocapture", "href": "/pay", "href_matching": "contains", "colour": "red"}
    made = await make(world, "actions", name="Pays", steps=[step])
    assert made["steps"] == [
        {
            "event": "$autocapture",
            "properties": None,
            "selector": None,
            "tag_name": None,
            "text": None,
            "text_matching": None,
            "href": "/pay",
            "href_matching": "contains",
            "url": None,
            "url_matching": "contains",
        }
    ]
    assert (made["name"], made["description"], made["deleted"]) == ("Pays", "", False)
    answer = await world.client.patch(
        f"{path(world, 'actions')}{made['id']}/", json={"steps": None, "name": "All"}
    )
    assert (answer.json()["steps"], answer.json()["name"]) == ([], "All")


async def test_an_action_is_deleted_and_restored(world: World) -> None:
    one = f"{path(world, 'actions')}{(await make(world, 'actions'))['id']}/"
    gone = await world.client.patch(one, json={"deleted": True})
    assert gone.json()["deleted"] is True
    assert (await world.client.patch(one, json={"name": "x"})).status_code == 404
    assert (await world.client.patch(one, json={"deleted": False})).json()["deleted"] is False


async def test_a_cohort_is_a_rule_or_a_list(world: World) -> None:
    rule = await make(world, "cohorts", name="Rich", filters=RICH)
    assert (rule["filters"], rule["is_static"], rule["count"]) == (RICH, False, None)
    people = [str(uuid4()), str(uuid4())]
    listed = await make(world, "cohorts", is_static=True, _create_static_person_ids=people)
    assert (listed["is_static"], listed["count"]) == (True, 2)
    more = await world.client.patch(
        f"{path(world, 'cohorts')}{listed['id']}/", json={"person_ids": [people[0], str(uuid4())]}
    )
    assert more.json()["count"] == 3


async def test_people_are_found_by_their_distinct_ids(world: World) -> None:
    person = uuid4()
    async with world.pool.connection() as conn:
        for name in ("ada", "ada@example.com"):
            await conn.execute(
                "INSERT INTO person_distinct_ids VALUES (%s, %s, %s, 1)",
                (world.project.id, name, person),
            )
    body = {"is_static": True, "distinct_ids": ["ada", "ada@example.com", "nobody"]}
    assert (await make(world, "cohorts", **body))["count"] == 1


@pytest.mark.parametrize("sent", [{}, {"filters": {}}, {"filters": {"properties": {}}}])
async def test_a_cohort_without_filters_shows_none_and_can_be_sent_back(
    world: World, sent: Any
) -> None:
    none: dict[str, Any] = {"properties": {}}
    made = await world.client.post(path(world, "cohorts"), json={"is_static": True, **sent})
    assert made.json()["filters"] == none
    one = f"{path(world, 'cohorts')}{made.json()['id']}/"
    again = await world.client.patch(one, json={"filters": none})
    assert (again.json(), again.headers["etag"]) == (made.json(), made.headers["etag"])


@pytest.mark.parametrize("old", [[{"key": "plan", "value": "pro"}], {"plan": "pro"}])
async def test_the_older_forms_of_a_rule_are_read_too(world: World, old: Any) -> None:
    made = await make(world, "cohorts", groups=[{"properties": old}])
    (group,) = made["filters"]["properties"]["values"]
    (rule,) = group["values"]
    assert (rule["type"], rule["key"], rule["value"]) == ("person", "plan", "pro")


@pytest.mark.parametrize(
    ("what", "body", "attr"),
    [
        ("actions", {"name": "x" * 401}, "name"),
        ("actions", {"name": " "}, "name"),
        ("actions", {"steps": [{"url_matching": "perhaps"}]}, "steps__0__url_matching"),
        ("actions", {"steps": [{"properties": "x"}]}, "steps__properties"),
        ("cohorts", {"filters": [1]}, "filters"),
        ("cohorts", {"filters": {"people": "all"}}, "filters"),
        (
            "cohorts",
            {"filters": {"properties": [{"key": "a", "type": "event", "value": 1}]}},
            "filters",
        ),
        ("cohorts", {"filters": {"properties": "x"}}, "filters"),
        ("cohorts", {"groups": [{"properties": 5}]}, "groups"),
        ("cohorts", {"groups": [{"action_id": 5, "days": 3}]}, "groups"),
        ("cohorts", {"is_static": True, "person_ids": ["x"]}, "person_ids"),
        ("cohorts", {"is_static": True, "query": {"kind": "ActorsQuery"}}, "query"),
        ("cohorts", {"is_static": True, "csv": "User ID\nada"}, "csv"),
        ("cohorts", {"person_ids": [str(uuid4())]}, "is_static"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    world: World, what: str, body: dict[str, Any], attr: str
) -> None:
    answer = await world.client.post(path(world, what), json=body)
    assert (answer.status_code, answer.json()["attr"]) == (400, attr)


@pytest.mark.parametrize("what", ["actions", "cohorts"])
async def test_scopes_versions_and_repeats_hold_here_too(world: World, what: str) -> None:
    url, scope = path(world, what), f"{what.removesuffix('s')}:read"
    reader = await world.client.post(url, headers=await world.key_with(scope))
    assert reader.status_code == 403
    keyed = {"Idempotency-Key": "x"}
    made = await world.client.post(url, json={"name": "A"}, headers=keyed)
    again = await world.client.post(url, json={"name": "A"}, headers=keyed)
    assert again.content == made.content
    one, known = f"{url}{made.json()['id']}/", {"If-Match": made.headers["etag"]}
    assert (await world.client.patch(one, json={"name": "B"}, headers=known)).status_code == 200
    late = await world.client.patch(one, json={"name": "C"}, headers=known)
    assert [(told["field"], told["after"]) for told in late.json()["changes"]] == [("name", "B")]
    assert (await world.client.request("DELETE", one)).status_code == 405
    assert (await world.client.patch(f"{url}424242/", json={})).status_code == 404
