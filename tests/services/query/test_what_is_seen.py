"""From a write to the very next read: dashboards and access rules, without any header."""

from typing import Any

from services.common.accounts import administration
from tests.whole import Whole


async def bob(whole: Whole) -> dict[str, str]:
    """Headers of a member who is no administrator and made nothing."""
    return await whole.key(user_id=await whole.member("bob@example.com"))


async def dashboard(whole: Whole, **fields: Any) -> dict[str, Any]:
    answer = await whole.client.post(f"{whole.root}dashboards/", json=fields)
    body: dict[str, Any] = answer.json()
    return body


async def test_the_answer_to_a_write_is_what_the_next_read_says(whole: Whole) -> None:
    board = await dashboard(whole, name="Growth", restriction_level=37)
    insight = await whole.create(name="A", dashboards=[board["id"]])
    for path, fields in (
        (f"dashboards/{board['id']}/", {"name": "Sales", "filters": {"date_from": "-30d"}}),
        (f"dashboards/{board['id']}/", {"tiles": [{"id": 1, "layouts": {"sm": {"w": 6}}}]}),
        (f"insights/{insight['id']}/", {"name": "B", "dashboards": []}),
        (f"insights/{insight['id']}/", {"dashboards": [board["id"]]}),
    ):
        written = await whole.client.patch(f"{whole.root}{path}", json=fields)
        read = await whole.client.get(f"{whole.root}{path}")
        assert (read.status_code, read.json()) == (200, written.json())
        assert read.headers["etag"] == written.headers["etag"]


async def test_what_was_hidden_just_now_is_hidden_from_the_next_read(whole: Whole) -> None:
    headers = await bob(whole)
    path = f"{whole.insights}{(await whole.create(name='A'))['id']}/"
    assert (await whole.client.get(path, headers=headers)).status_code == 200
    rules = await whole.client.put(f"{path}access_controls/", json={"access_level": "none"})
    assert (await whole.client.get(path, headers=headers)).status_code == 403
    page = await whole.client.get(whole.insights, headers=headers)
    assert (page.json()["count"], page.json()["results"]) == (0, [])
    read = await whole.client.get(f"{path}access_controls/")
    assert read.json()["access_controls"] == rules.json()["access_controls"]
    await whole.client.put(f"{path}access_controls/", json={"access_level": None})
    assert (await whole.client.get(path, headers=headers)).status_code == 200


async def test_the_ids_of_members_are_what_rules_take(whole: Whole) -> None:
    headers = await bob(whole)
    path = f"{whole.insights}{(await whole.create(name='A'))['id']}/"
    members = (await whole.client.get("/api/organizations/@current/members/")).json()["results"]
    (member,) = (each["id"] for each in members if each["user"]["email"] == "bob@example.com")
    await whole.client.put(
        f"{path}access_controls/", json={"access_level": "viewer", "organization_member": member}
    )
    body = (await whole.client.get(path, headers=headers)).json()
    assert body["user_access_level"] == "viewer"
    refused = await whole.client.patch(path, json={"name": "B"}, headers=headers)
    assert refused.status_code == 403


async def test_a_deleted_dashboard_leaves_lists_bodies_and_activity_in_order(whole: Whole) -> None:
    board = await dashboard(whole, name="Growth")
    insight = await whole.create(name="A", saved=False, dashboards=[board["id"]])
    path = f"{whole.insights}{insight['id']}/"
    url = f"{whole.insights}?dashboards=[{board['id']}]"
    assert (await whole.client.get(url)).json()["count"] == 1
    await whole.client.patch(f"{whole.root}dashboards/{board['id']}/", json={"deleted": True})
    assert (await whole.client.get(url)).json()["count"] == 0
    assert (await whole.client.get(path)).json()["dashboard_tiles"] == []
    told = (await whole.client.get(f"{path}activity/")).json()["results"][0]
    (change,) = told["detail"]["changes"]
    assert (told["activity"], change["field"]) == ("updated", "dashboards")
    assert (change["before"], change["after"]) == ([{"id": board["id"], "name": "Growth"}], [])
    await whole.client.patch(f"{whole.root}dashboards/{board['id']}/", json={"deleted": False})
    assert (await whole.client.get(path)).json()["dashboards"] == [board["id"]]


async def test_nothing_of_another_project_is_named(whole: Whole) -> None:
    stranger = await administration.create_user(
        whole.pool, "eve@example.com", whole.foreign.organization_id
    )
    headers = await whole.key(user_id=stranger)
    elsewhere = f"/api/projects/{whole.foreign.id}/"
    theirs = {
        what: (await whole.client.post(f"{elsewhere}{what}/", headers=headers)).json()["id"]
        for what in ("dashboards", "actions", "cohorts", "insights")
    }
    for what, number in theirs.items():
        for method in ("GET", "PATCH"):
            answer = await whole.client.request(method, f"{whole.root}{what}/{number}/")
            assert answer.status_code == 404, (what, method)
    refused = await whole.client.post(whole.insights, json={"dashboards": [theirs["dashboards"]]})
    assert (refused.status_code, refused.json()["attr"]) == (400, "dashboards")
    rules = f"{whole.insights}{theirs['insights']}/access_controls/"
    assert (await whole.client.put(rules, json={"access_level": "none"})).status_code == 404
    funnel = {
        "events": [{"id": "a", "order": 0}, {"id": "b", "order": 1}],
        "properties": [{"type": "cohort", "key": "id", "value": theirs["cohorts"]}],
    }
    answer = await whole.client.post(f"{whole.insights}funnel/", json=funnel)
    assert answer.status_code == 400


async def test_the_past_of_what_is_closed_today_is_closed(whole: Whole) -> None:
    made = await whole.create(name="Salaries")
    path = f"{whole.insights}{made['id']}/"
    renamed = await whole.client.patch(path, json={"name": "Wages"})
    headers = await bob(whole)
    pasts = ("versions/", "versions/1/", "diff/?from=v1&to=now", "?as_of=v1")
    for past in pasts:
        assert (await whole.client.get(f"{path}{past}", headers=headers)).status_code == 200, past
    await whole.client.put(f"{path}access_controls/", json={"access_level": "none"})
    for past in pasts:
        answer = await whole.client.get(f"{path}{past}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), past
        assert (await whole.client.get(f"{path}{past}")).status_code == 200, past
    undone = {"operation_id": renamed.headers["Insights-Operation"]}
    for command, body in (("revert/", {"to": "v1"}), ("undo/", undone)):
        answer = await whole.client.post(f"{path}{command}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), command
