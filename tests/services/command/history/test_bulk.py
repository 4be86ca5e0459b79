"""Many insights are changed in one append, over HTTP."""

from typing import Any

import pytest

from tests.services.command.conftest import World
from tests.services.command.history.test_undo import (
    as_another,
    asked,
    done,
    made,
    operation,
    shown,
)


async def test_all_change_in_one_operation_which_one_undo_takes_back(world: World) -> None:
    board = await made(world, "dashboards", {"name": "Growth"})
    one = await made(world, "insights", {"tags": ["a", "b"]})
    other = await made(world, "insights", {"tags": ["c"], "dashboards": [board]})
    change = {"add_tags": ["C"], "remove_tags": ["a"], "add_dashboards": [board]}
    answer = await done(world, "POST", "/insights/bulk/", {"ids": [one, other], "set": change})
    body = answer.json()
    assert body["operation_id"] == operation(answer)
    assert [each["id"] for each in body["changed"]] == [one]
    assert (body["unchanged"], body["skipped"]) == ([other], [])
    now = await shown(world, one)
    assert (now["tags"], now["dashboards"]) == (["b", "c"], [board])
    await done(world, "POST", f"/operations/{operation(answer)}/undo/")
    before = await shown(world, one)
    assert (before["tags"], before["dashboards"]) == (["a", "b"], [])


async def test_one_that_is_refused_refuses_all_or_is_skipped(world: World) -> None:
    mine = await made(world, "insights", {"name": "A"})
    closed = await made(world, "insights", {"name": "B"})
    await done(world, "PUT", f"/insights/{closed}/access_controls/", {"access_level": "viewer"})
    other = await as_another(world)
    body: Any = {"ids": [mine, closed, 999], "set": {"favorited": True}}
    refused = await asked(world, "POST", "/insights/bulk/", body, **other)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    told = [(each["id"], each["status"], each["code"]) for each in refused.json()["refused"]]
    assert told == [(closed, 403, "permission_denied"), (999, 404, "not_found")]
    key = {"Idempotency-Key": "part", **other}
    part = await asked(world, "POST", "/insights/bulk/", {**body, "partial": True}, **key)
    assert [each["id"] for each in part.json()["changed"]] == [mine]
    assert [each["id"] for each in part.json()["skipped"]] == [closed, 999]
    again = await asked(world, "POST", "/insights/bulk/", {**body, "partial": True}, **key)
    assert again.json() == part.json()
    assert (await shown(world, mine))["favorited"] is True


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"ids": [], "set": {"saved": True}}, "ids"),
        ({"ids": [1, 1], "set": {"saved": True}}, "ids"),
        ({"ids": list(range(1, 102)), "set": {"saved": True}}, "ids"),
        ({"ids": [1], "set": {}}, "set"),
        ({"ids": [1], "set": {"add_dashboards": [9]}}, "set__add_dashboards"),
    ],
)
async def test_what_can_not_be_meant_is_refused(world: World, body: Any, attr: str) -> None:
    refused = await asked(world, "POST", "/insights/bulk/", body)
    assert (refused.status_code, refused.json()["attr"]) == (400, attr), refused.text
