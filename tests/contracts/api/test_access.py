"""insights-api.md, Access levels: rules, what they give, and where they show."""

from typing import Any

import pytest

from tests.contracts.api.talk import Api

LEVELS = ["none", "viewer", "editor", "manager"]


async def member_id(api: Api, name: str) -> str:
    page = await api("GET /api/organizations/@current/members/")
    page.says(200)
    (found,) = [m for m in page["results"] if m["user"]["first_name"] == name]
    assert found.keys() >= {"id", "user", "level"}
    assert found["user"].keys() >= {"id", "uuid", "email", "first_name"}
    return str(found["id"])


async def test_the_answer_is_the_rules_and_the_whole_insight(api: Api) -> None:
    made = await api.insight(name="A")
    for kind in ("access_controls", "global_access_controls", "resource_access_controls"):
        answer = await api(f"GET insights/{made['id']}/{kind}/")
        answer.says(
            200,
            access_controls=[],
            available_access_levels=LEVELS,
            default_access_level="editor",
            minimum_access_level="none",
            maximum_access_level="manager",
            user_access_level="manager",
            user_can_edit_access_levels=kind == "access_controls",
        )
        assert answer.body.keys() > made.keys()
        assert answer["name"] == "A"


async def test_a_rule_is_set_changed_and_taken_away(api: Api) -> None:
    bob = await api.member("bob")
    member = await member_id(api, "bob")
    made = await api.insight(name="A")
    path = f"insights/{made['id']}/access_controls/"
    rule = {"access_level": "viewer", "organization_member": member}
    (await api(f"PUT {path}", rule)).says(200, access_level="viewer", organization_member=member)
    (shown,) = (await api(f"GET {path}"))["access_controls"]
    assert set(shown) == {
        "access_level", "resource", "resource_id", "organization_member", "role", "created_by",
        "created_at", "updated_at",
    }  # fmt: skip
    assert (shown["resource"], shown["resource_id"]) == ("insight", str(made["id"]))
    (await api(f"PATCH insights/{made['id']}/", {"name": "B"}, by=bob)).refuses(
        403, "permission_denied"
    )
    (await api(f"PUT {path}", {**rule, "access_level": "editor"})).says(200)
    (await api(f"PATCH insights/{made['id']}/", {"name": "B"}, by=bob)).says(200)
    gone = await api(f"PUT {path}", {**rule, "access_level": None})
    assert (gone.status, gone.body) == (204, "")
    (await api(f"GET {path}")).says(200, access_controls=[])


# level, then what the caller gets: read, patch, share
GIVES: dict[str, tuple[int, int, int]] = {
    "none": (403, 403, 403),
    "viewer": (200, 403, 403),
    "editor": (200, 200, 200),
    "manager": (200, 200, 200),
}


@pytest.mark.parametrize("level", GIVES)
async def test_a_level_opens_and_closes(api: Api, level: str) -> None:
    caller = await api.member(f"lev{level}")
    made = await api.insight(name=f"for {level}", tags=[level])
    path = f"insights/{made['id']}/"
    rule = {"access_level": level}  # neither member nor role: everyone's
    (await api(f"PUT {path}access_controls/", rule)).says(200)
    read, patch, share = GIVES[level]
    answer = await api(f"GET {path}", by=caller)
    assert answer.status == read
    if read == 200:
        assert answer["user_access_level"] == level
    assert (await api(f"PATCH {path}", {"tags": [level, "x"]}, by=caller)).status == patch
    assert (await api(f"PATCH {path}sharing/", {"enabled": True}, by=caller)).status == share
    assert (await api(f"GET {path}sharing/", by=caller)).status == read
    assert (await api(f"GET {path}activity/", by=caller)).status == read
    assert (await api(f"POST {path}viewed/", by=caller)).status == (201 if read == 200 else 403)
    listed = await api(f"GET insights/?tags=[%22{level}%22]", by=caller)
    assert listed["count"] == (1 if read == 200 else 0)
    # Its creator is a manager whatever the rules say.
    (await api(f"GET {path}")).says(200, user_access_level="manager")


async def test_a_rule_that_cannot_be_is_refused(api: Api) -> None:
    made = await api.insight()
    path = f"insights/{made['id']}/access_controls/"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"access_level": "owner"}, "access_level"),
        ({}, "access_level"),
        ({"access_level": "viewer", "organization_member": "no-uuid"}, "organization_member"),
    ]
    for body, attr in wrong:
        answer = await api(f"PUT {path}", body)
        assert (answer.status, answer["attr"]) == (400, attr)
    nosy = await api.member("nosy")
    (await api(f"PUT {path}", {"access_level": "none"}, by=nosy)).refuses(403, "permission_denied")


async def test_rules_of_the_project_hold_where_the_insight_has_none(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("boss@example.com", level=8))
    guest = await api.member("guest")
    made = await api.insight(name="A")
    path = f"insights/{made['id']}/"
    whole = {"access_level": "viewer", "organization_member": await member_id(api, "guest")}
    (await api(f"PUT {path}global_access_controls/", whole, by=boss)).says(200, resource_id=None)
    (await api(f"GET {path}", by=guest)).says(200, user_access_level="viewer")
    (await api("POST insights/", {}, by=guest)).refuses(403, "permission_denied")
    own = {"access_level": "editor", "organization_member": whole["organization_member"]}
    (await api(f"PUT {path}access_controls/", own)).says(200)
    (await api(f"GET {path}", by=guest)).says(200, user_access_level="editor")
    whole["access_level"] = None  # type: ignore[assignment]  # null takes it away
    assert (await api(f"PUT {path}global_access_controls/", whole, by=boss)).status == 204


async def test_a_closed_dashboard_closes_its_insights(api: Api) -> None:
    other = await api.member("other")
    closed = await api.dashboard(restriction_level=37)
    made = await api.insight(dashboards=[closed])
    path = f"insights/{made['id']}/"
    (await api(f"GET {path}", by=other)).says(
        200, effective_restriction_level=37, effective_privilege_level=21
    )
    (await api(f"GET {path}")).says(
        200, effective_restriction_level=37, effective_privilege_level=37
    )
    (await api(f"PATCH {path}", {"name": "B"}, by=other)).refuses(403, "permission_denied")
    (await api(f"PATCH {path}", {"dashboards": [closed, await api.dashboard()]})).says(200)
    (await api(f"GET {path}", by=other)).says(
        200, effective_restriction_level=37, effective_privilege_level=37
    )
    (await api(f"PATCH {path}", {"name": "B"}, by=other)).says(200, name="B")
    free = await api.insight(name="free")
    (await api(f"PATCH insights/{free['id']}/", {"dashboards": [closed]}, by=other)).refuses(
        403, "permission_denied"
    )


async def test_whoever_may_not_see_an_insight_is_not_told_what_changed(api: Api) -> None:
    """If-Match with an old version: a 412 would carry every change since."""
    caller = await api.member("curious")
    made = await api.insight(name="Secret")
    path = f"insights/{made['id']}/"
    await api(f"PATCH {path}", {"name": "Still secret"})
    (await api(f"PUT {path}access_controls/", {"access_level": "none"})).says(200)
    old = {"If-Match": '"1"'}
    for request in (f"PATCH {path}", f"PUT {path}", f"PATCH {path}sharing/"):
        answer = await api(request, {"name": "Mine", "enabled": True}, by=caller, headers=old)
        answer.refuses(403, "permission_denied")
        assert "secret" not in str(answer.body).lower()
