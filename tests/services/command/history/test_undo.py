"""Operations are taken back over HTTP: on one insight, whole, and all of a span."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from services.common.accounts import administration
from services.common.log.store import EventStore, LogUnavailable
from tests.services.command.conftest import World

NAMED = {"name": "Sign-ups", "description": "Of all."}


async def asked(world: World, method: str, path: str, body: Any = None, **headers: str) -> Response:
    root = f"/api/projects/{world.project.id}"
    return await world.client.request(method, f"{root}{path}", json=body, headers=headers)


async def done(world: World, method: str, path: str, body: Any = None) -> Response:
    answer = await asked(world, method, path, body)
    assert answer.is_success, answer.text
    return answer


async def made(world: World, kind: str, body: Any) -> int:
    number: int = (await done(world, "POST", f"/{kind}/", body)).json()["id"]
    return number


def operation(answer: Response) -> str:
    return answer.headers["Insights-Operation"]


async def shown(world: World, insight: int) -> dict[str, Any]:
    """As an edit that changes nothing answers it."""
    body: dict[str, Any] = (await done(world, "PATCH", f"/insights/{insight}/", {})).json()
    return body


async def as_another(world: World, level: int = 1) -> dict[str, str]:
    organization = world.project.organization_id
    user = await administration.create_user(
        world.pool, f"{uuid4()}@example.com", organization, first_name="Bo", level=level
    )
    issued = await administration.create_key(world.pool, user)
    return {"Authorization": f"Bearer {issued.key}"}


async def test_what_an_operation_did_is_taken_back_and_what_came_later_stays(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "Visits"}))
    await done(world, "PATCH", f"/insights/{insight}/", {"description": "Of some."})
    answer = await done(world, "POST", f"/insights/{insight}/undo/", {"operation_id": renamed})
    body = answer.json()
    assert body == {
        "operation_id": operation(answer),
        "undone": [renamed],
        "already": [],
        "changes": [
            {
                "kind": "insight",
                "id": insight,
                "version": 4,
                "sentences": ['Renamed from "Visits" to "Sign-ups".'],
            }
        ],
        "warnings": [],
    }
    now = await shown(world, insight)
    assert (now["name"], now["description"]) == ("Sign-ups", "Of some.")
    facts = await world.app.state.store.operations(world.project.id, [operation(answer)])
    assert [each.stream.kind.value for each in facts] == ["insight", "history"]
    assert {str(each.fact.causation_id) for each in facts} == {renamed}


async def test_an_operation_is_undone_once_and_its_undo_can_be_undone(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "Visits"}))
    undone = await done(world, "POST", f"/operations/{renamed}/undo/")
    again = await done(world, "POST", f"/operations/{renamed}/undo/")
    assert (again.json()["undone"], again.json()["already"]) == ([], [renamed])
    assert again.json()["operation_id"] is None
    assert "Insights-Operation" not in again.headers
    redone = await done(world, "POST", f"/operations/{operation(undone)}/undo/")
    assert redone.json()["undone"] == [operation(undone)]
    assert (await shown(world, insight))["name"] == "Visits"


async def test_what_was_changed_since_is_a_conflict_and_the_rest_can_be_taken_back(
    world: World,
) -> None:
    insight = await made(world, "insights", NAMED)
    edit = {"name": "Visits", "description": "Of some."}
    both = operation(await done(world, "PATCH", f"/insights/{insight}/", edit))
    later = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "Views"}))
    path, body = f"/insights/{insight}/undo/", {"operation_id": both}
    refused = await asked(world, "POST", path, body)
    assert refused.status_code == 409, refused.text
    assert refused.json() == {
        "type": "invalid_request",
        "code": "conflict",
        "detail": "1 of 2 changes have been changed since.",
        "attr": None,
        "conflicts": [
            {
                "kind": "insight",
                "id": insight,
                "field": "name",
                "path": None,
                "left": "Visits",
                "now": "Views",
                "changed_by": [later],
                "code": "changed",
                "reason": None,
            }
        ],
        "free": [{"kind": "insight", "id": insight, "field": "description", "path": None}],
        "not_undoable": [],
    }
    assert (await shown(world, insight))["description"] == "Of some."
    await done(world, "POST", path, {**body, "only_free": True})
    now = await shown(world, insight)
    assert (now["name"], now["description"]) == ("Views", "Of all.")
    nothing_left = await asked(world, "POST", path, {**body, "only_free": True})
    assert (nothing_left.status_code, nothing_left.json()["code"]) == (409, "conflict")
    only_that = {**body, "fields": ["description"]}
    assert (await done(world, "POST", path, only_that)).json()["already"] == [both]


async def test_a_dashboards_deletion_comes_back_with_all_that_it_took(world: World) -> None:
    dashboard = await made(world, "dashboards", {"name": "Growth"})
    one = await made(world, "insights", {"name": "A", "dashboards": [dashboard]})
    other = await made(world, "insights", {"name": "B", "dashboards": [dashboard]})
    gone = await done(
        world, "PATCH", f"/dashboards/{dashboard}/", {"deleted": True, "delete_insights": True}
    )
    undone = await done(world, "POST", f"/operations/{operation(gone)}/undo/")
    kinds = {(each["kind"], each["id"]) for each in undone.json()["changes"]}
    assert kinds == {("dashboard", dashboard), ("insight", one), ("insight", other)}
    board = (await done(world, "PATCH", f"/dashboards/{dashboard}/", {})).json()
    assert {tile["insight"]["id"] for tile in board["tiles"]} == {one, other}
    redone = await done(world, "POST", f"/operations/{operation(undone)}/undo/")
    assert len(redone.json()["changes"]) == 3
    assert (await asked(world, "PATCH", f"/insights/{one}/", {})).status_code == 404


async def test_a_dashboard_that_was_made_goes_and_its_insights_leave_it(world: World) -> None:
    made_it = await done(world, "POST", "/dashboards/", {"name": "Growth"})
    dashboard = made_it.json()["id"]
    insight = await made(world, "insights", {"name": "A", "dashboards": [dashboard]})
    undone = await done(world, "POST", f"/operations/{operation(made_it)}/undo/")
    kinds = [each["kind"] for each in undone.json()["changes"]]
    assert sorted(kinds) == ["dashboard", "insight"]
    assert (await shown(world, insight))["dashboards"] == []
    await done(world, "PATCH", f"/dashboards/{dashboard}/", {"deleted": False})
    assert (await shown(world, insight))["dashboards"] == [dashboard]


async def test_a_share_comes_back_under_a_new_address(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    path = f"/insights/{insight}/sharing/"
    before = (await done(world, "PATCH", path, {"enabled": True})).json()["access_token"]
    off = operation(await done(world, "PATCH", path, {"enabled": False}))
    body = (await done(world, "POST", f"/operations/{off}/undo/")).json()
    (warning,) = body["warnings"]
    now = (await done(world, "PATCH", path, {})).json()["access_token"]
    assert warning == {
        "code": "new_token", "kind": "sharing", "id": insight, "access_token": now,
    }  # fmt: skip
    assert now != before


async def test_a_password_is_taken_back_with_its_hash_and_its_removal_is_not(
    world: World,
) -> None:
    insight = await made(world, "insights", NAMED)
    path = f"/insights/{insight}/sharing"
    await done(world, "PATCH", f"{path}/", {"enabled": True, "password_required": True})
    added = await done(world, "POST", f"{path}/passwords/", {"raw_password": "open sesame"})
    removed = operation(await done(world, "POST", f"/operations/{operation(added)}/undo/"))
    async with world.pool.connection() as conn:
        left = await (await conn.execute("SELECT count(*) FROM share_passwords")).fetchone()
    assert left == (0,)
    refused = await asked(world, "POST", f"/operations/{removed}/undo/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_undoable")
    (stays,) = refused.json()["not_undoable"]
    assert stays["type"] == "sharing.password_removed.v1"


async def test_a_loop_of_cohorts_is_a_conflict(world: World) -> None:
    def of(number: int) -> Any:
        values = [{"type": "cohort", "key": "id", "value": number}]
        group = {"type": "AND", "values": values}
        return {"filters": {"properties": {"type": "OR", "values": [group]}}}

    one = await made(world, "cohorts", {"name": "A"})
    other = await made(world, "cohorts", {"name": "B", **of(one)})
    path = f"/cohorts/{other}/"
    plain = {"type": "person", "key": "email", "operator": "is_set", "value": "is_set"}
    group = {"type": "AND", "values": [plain]}
    elsewhere = {"filters": {"properties": {"type": "OR", "values": [group]}}}
    moved = operation(await done(world, "PATCH", path, elsewhere))
    await done(world, "PATCH", f"/cohorts/{one}/", of(other))
    refused = await asked(world, "POST", f"/operations/{moved}/undo/")
    assert refused.status_code == 409, refused.text
    (conflict,) = refused.json()["conflicts"]
    assert (conflict["code"], conflict["id"]) == ("not_valid", other)


async def test_all_of_a_callers_operations_in_a_span_are_taken_back(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    first = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "A"}))
    async with world.pool.connection() as conn:
        found = await conn.execute("SELECT recorded_at FROM log ORDER BY 1 DESC LIMIT 1")
        row = await found.fetchone()
    assert row is not None
    second = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "B"}))
    third = operation(await done(world, "PATCH", f"/insights/{insight}/", {"tags": ["x"]}))
    await done(world, "POST", f"/insights/{insight}/viewed/")
    body = {"since": row[0].isoformat()}
    key = {"Idempotency-Key": "all of it"}
    undone = await asked(world, "POST", "/operations/undo/", body, **key)
    assert undone.json()["undone"] == [third, second, first], undone.text
    now = await shown(world, insight)
    assert (now["name"], now["tags"]) == ("Sign-ups", [])
    repeated = await asked(world, "POST", "/operations/undo/", body, **key)
    assert repeated.json() == undone.json()
    nobodys = {**body, "user": 999_999}
    nothing = (await done(world, "POST", "/operations/undo/", nobodys)).json()
    assert (nothing["undone"], nothing["already"]) == ([], [])


async def test_without_one_of_the_rights_nothing_is_undone(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "Visits"}))
    await done(world, "PUT", f"/insights/{insight}/access_controls/", {"access_level": "viewer"})
    other = await as_another(world)
    for path, body in (
        (f"/insights/{insight}/undo/", {"operation_id": renamed}),
        (f"/operations/{renamed}/undo/", None),
    ):
        refused = await asked(world, "POST", path, body, **other)
        assert refused.status_code == 403, refused.text
    few = await world.key_with("dashboard:write")
    unscoped = await asked(world, "POST", f"/operations/{renamed}/undo/", None, **few)
    assert unscoped.json()["detail"] == "API key missing required scope 'insight:write'"
    assert (await shown(world, insight))["name"] == "Visits"


async def test_what_is_no_operation_here_is_not_found(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    other = operation(await done(world, "POST", "/insights/", NAMED))
    for path, body in (
        (f"/insights/{insight}/undo/", {"operation_id": str(uuid4())}),
        (f"/insights/{insight}/undo/", {"operation_id": other}),
        (f"/operations/{uuid4()}/undo/", None),
        ("/operations/none/undo/", None),
    ):
        answer = await asked(world, "POST", path, body)
        assert (answer.status_code, answer.json()["attr"]) == (404, "operation"), answer.text


async def test_if_match_is_the_insights_and_a_repeat_has_the_first_answer(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    edit = await done(world, "PATCH", f"/insights/{insight}/", {"name": "Visits"})
    path, body = f"/insights/{insight}/undo/", {"operation_id": operation(edit)}
    stale = await asked(world, "POST", path, body, **{"If-Match": '"1-x"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    headers = {"If-Match": edit.headers["ETag"], "Idempotency-Key": "once"}
    first = await asked(world, "POST", path, body, **headers)
    repeat = await asked(world, "POST", path, body, **headers)
    assert first.status_code == 200
    assert (repeat.json(), operation(repeat)) == (first.json(), operation(first))
    other = {**body, "only_free": True}
    assert (await asked(world, "POST", path, other, **headers)).status_code == 422


async def test_an_undo_that_dies_before_the_append_has_done_nothing_and_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    insight = await made(world, "insights", NAMED)
    sharing = f"/insights/{insight}/sharing/"
    await done(world, "PATCH", sharing, {"enabled": True})
    off = operation(await done(world, "PATCH", sharing, {"enabled": False}))
    path, key = f"/operations/{off}/undo/", {"Idempotency-Key": "once"}

    async def dies(_: object, __: object) -> None:
        raise LogUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(EventStore, "append", dies)
        assert (await asked(world, "POST", path, None, **key)).status_code == 503
    assert (await done(world, "PATCH", sharing, {})).json()["enabled"] is False
    assert (await asked(world, "POST", path, None, **key)).json()["undone"] == [off]
    assert (await done(world, "PATCH", sharing, {})).json()["enabled"] is True


async def test_what_others_have_changed_since_it_was_made_goes_by_force_alone(
    world: World,
) -> None:
    created = await done(world, "POST", "/insights/", NAMED)
    insight = created.json()["id"]
    await asked(world, "PATCH", f"/insights/{insight}/", {"name": "B"}, **await as_another(world))
    path = f"/operations/{operation(created)}/undo/"
    refused = await asked(world, "POST", path)
    assert refused.json()["conflicts"][0]["code"] == "edited_since"
    await done(world, "POST", path, {"force": True})
    assert (await asked(world, "PATCH", f"/insights/{insight}/", {})).status_code == 404
