"""Setting access rules over HTTP, and what they keep people from."""

from typing import Any
from uuid import uuid4

import pytest

from services.common.accounts import administration
from tests.services.command.conftest import World


class Bob:
    """Another member of the organization, no administrator; Ada makes the insights."""

    def __init__(self, world: World, headers: dict[str, str], member_id: str) -> None:
        self.world = world
        self.headers = headers
        self.member_id = member_id

    async def patch(self, path: str, **fields: Any) -> int:
        return (await self.world.client.patch(path, json=fields, headers=self.headers)).status_code

    async def post(self, path: str, **fields: Any) -> int:
        return (await self.world.client.post(path, json=fields, headers=self.headers)).status_code


@pytest.fixture
async def bob(world: World) -> Bob:
    user = await administration.create_user(
        world.pool, "bob@example.com", world.project.organization_id
    )
    key = await administration.create_key(world.pool, user)
    members = await world.app.state.accounts.members(world.project.organization_id)
    (member,) = (member for member in members if member.user_id == user)
    return Bob(world, {"Authorization": f"Bearer {key.key}"}, str(member.id))


async def insight(world: World, **fields: Any) -> str:
    answer = await world.client.post(world.insights, json={"name": "A", **fields})
    return f"{world.insights}{answer.json()['id']}/"


async def put(world: World, path: str, **fields: Any) -> Any:
    return await world.client.put(path, json=fields)


async def test_a_rule_is_set_changed_and_taken_away(world: World, bob: Bob) -> None:
    path = await insight(world)
    rules = f"{path}access_controls/"
    answer = await put(world, rules, access_level="viewer", organization_member=bob.member_id)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["access_level"], body["resource"]) == ("viewer", "insight")
    assert (body["organization_member"], body["role"]) == (bob.member_id, None)
    assert body["resource_id"] == path.split("/")[-2] == str(body["id"])
    (rule,) = body["access_controls"]
    assert (rule["access_level"], rule["created_by"]) == ("viewer", world.user_id)
    assert body["user_can_edit_access_levels"] is True
    assert (body["name"], body["user_access_level"]) == ("A", "manager")
    changed = await put(world, rules, access_level="editor", organization_member=bob.member_id)
    assert [r["access_level"] for r in changed.json()["access_controls"]] == ["editor"]
    gone = await put(world, rules, access_level=None, organization_member=bob.member_id)
    assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({}, "access_level", "required"),
        ({"access_level": "owner"}, "access_level", "invalid_choice"),
        (
            {"access_level": "viewer", "organization_member": "x"},
            "organization_member",
            "invalid_input",
        ),
        (
            {"access_level": "viewer", "organization_member": str(uuid4())},
            "organization_member",
            "does_not_exist",
        ),
        ({"access_level": "viewer", "role": str(uuid4())}, "role", "does_not_exist"),
        (
            {"access_level": "viewer", "role": "a", "organization_member": "b"},
            "role",
            "invalid_input",
        ),
    ],
)
async def test_a_rule_that_is_wrong_is_named(
    world: World, body: dict[str, Any], attr: str, code: str
) -> None:
    answer = await put(world, f"{await insight(world)}access_controls/", **body)
    assert (answer.status_code, answer.json()["attr"], answer.json()["code"]) == (400, attr, code)


async def test_a_viewer_may_look_and_no_more(world: World, bob: Bob) -> None:
    path = await insight(world)
    assert await bob.patch(path, name="B") == 200
    await put(world, f"{path}access_controls/", access_level="viewer")
    assert await bob.patch(path, name="C") == 403
    assert await bob.patch(f"{path}sharing/", enabled=True) == 403
    assert await bob.post(f"{path}sharing/refresh/") == 403
    assert await bob.post(f"{path}sharing/passwords/") == 403
    assert await bob.post(f"{path}viewed/") == 201
    refused = await world.client.patch(path, json={"name": "C"}, headers=bob.headers)
    assert refused.json()["type"] == "authentication_error"
    assert refused.json()["detail"] == "You do not have editor access to this resource."
    assert (await world.client.patch(path, json={"name": "C"})).status_code == 200


async def test_without_any_access_not_even_a_view_is_recorded(world: World, bob: Bob) -> None:
    path = await insight(world)
    await put(world, f"{path}access_controls/", access_level="none")
    assert await bob.post(f"{path}viewed/") == 403
    assert await bob.patch(path, name="C") == 403
    number = int(path.split("/")[-2])
    several = await world.client.post(
        f"{world.insights}viewed/", json={"insight_ids": [number]}, headers=bob.headers
    )
    assert (several.status_code, several.headers["insights-position"]) == (201, "0")


async def test_a_members_rule_can_give_what_everyones_takes(world: World, bob: Bob) -> None:
    path = await insight(world)
    rules = f"{path}access_controls/"
    await put(world, rules, access_level="none")
    await put(world, rules, access_level="manager", organization_member=bob.member_id)
    answer = await world.client.patch(path, json={"name": "B"}, headers=bob.headers)
    assert (answer.status_code, answer.json()["user_access_level"]) == (200, "manager")
    widened = await world.client.put(rules, json={"access_level": "viewer"}, headers=bob.headers)
    assert widened.status_code == 200


async def test_a_projects_rule_counts_where_the_insight_says_nothing(
    world: World, bob: Bob
) -> None:
    administrator = await administration.create_user(
        world.pool, "root@example.com", world.project.organization_id, level=8
    )
    root = await administration.create_key(world.pool, administrator)
    headers = {"Authorization": f"Bearer {root.key}"}
    path, other = await insight(world), await insight(world)
    for name in ("global_access_controls", "resource_access_controls"):
        mine = await put(world, f"{path}{name}/", access_level="viewer")
        assert mine.status_code == 403, "a member who is no manager of the project"
        answer = await world.client.put(
            f"{path}{name}/", json={"access_level": "viewer"}, headers=headers
        )
        assert (answer.status_code, answer.json()["resource_id"]) == (200, None)
    assert await bob.patch(other, name="B") == 403
    assert await bob.post(world.insights, name="New") == 403
    await world.client.put(
        f"{other}access_controls/", json={"access_level": "editor"}, headers=headers
    )
    assert await bob.patch(other, name="B") == 200


async def test_only_managers_change_rules_and_only_where_there_is_an_insight(
    world: World, bob: Bob
) -> None:
    path = await insight(world)
    answer = await world.client.put(
        f"{path}access_controls/", json={"access_level": "viewer"}, headers=bob.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    await world.client.patch(path, json={"deleted": True})
    for gone in (path, f"{world.insights}424242/"):
        assert (
            await put(world, f"{gone}access_controls/", access_level="viewer")
        ).status_code == 404


async def test_an_insight_on_a_closed_dashboard_is_closed_with_it(world: World, bob: Bob) -> None:
    boards = f"/api/projects/{world.project.id}/dashboards/"
    board = (await world.client.post(boards, json={"restriction_level": 37})).json()["id"]
    path = await insight(world, dashboards=[board])
    assert await bob.patch(path, name="B") == 403
    assert await bob.patch(f"{path}sharing/", enabled=True) == 403
    mine = (await world.client.patch(path, json={"name": "C"})).json()
    assert (mine["effective_restriction_level"], mine["effective_privilege_level"]) == (37, 37)
    await world.client.patch(f"{boards}{board}/", json={"restriction_level": 21})
    answer = await world.client.patch(path, json={"name": "B"}, headers=bob.headers)
    assert answer.status_code == 200
    assert answer.json()["effective_restriction_level"] == 21


async def test_an_open_dashboard_lets_everybody_edit_what_a_closed_one_shows_too(
    world: World, bob: Bob
) -> None:
    boards = f"/api/projects/{world.project.id}/dashboards/"
    closed = (await world.client.post(boards, json={"restriction_level": 37})).json()["id"]
    open_ = (await world.client.post(boards, json={})).json()["id"]
    path = await insight(world, dashboards=[closed, open_])
    answer = await world.client.patch(path, json={"name": "B"}, headers=bob.headers)
    body = answer.json()
    levels = (body["effective_restriction_level"], body["effective_privilege_level"])
    assert (answer.status_code, levels) == (200, (37, 37))
    await world.client.patch(f"{boards}{open_}/", json={"restriction_level": 37})
    assert await bob.patch(path, name="C") == 403


async def test_insights_that_are_not_the_callers_stay_when_their_dashboard_goes(
    world: World, bob: Bob
) -> None:
    boards = f"/api/projects/{world.project.id}/dashboards/"
    board = (await world.client.post(boards, headers=bob.headers)).json()["id"]
    kept, gone = await insight(world, dashboards=[board]), await insight(world, dashboards=[board])
    await put(world, f"{kept}access_controls/", access_level="viewer")
    body = {"deleted": True, "delete_insights": True}
    answer = await world.client.patch(f"{boards}{board}/", json=body, headers=bob.headers)
    assert answer.status_code == 200
    assert (await world.client.patch(gone, json={})).status_code == 404
    assert (await world.client.patch(kept, json={})).json()["dashboards"] == []


async def test_rules_have_versions_and_repeats_of_their_own(world: World) -> None:
    path = await insight(world)
    rules = f"{path}access_controls/"
    keyed = {"Idempotency-Key": "a-1"}
    first = await world.client.put(rules, json={"access_level": "viewer"}, headers=keyed)
    again = await world.client.put(rules, json={"access_level": "viewer"}, headers=keyed)
    assert again.content == first.content
    assert first.headers["etag"].startswith('"1-')
    await put(world, rules, access_level="editor")
    late = await world.client.put(
        rules, json={"access_level": "none"}, headers={"If-Match": first.headers["etag"]}
    )
    assert late.status_code == 412
    (told,) = late.json()["changes"]
    assert (told["before"], told["after"]) == ("viewer", "editor")
