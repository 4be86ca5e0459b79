"""Changes of what a query names, told beside its days."""

from typing import Any

import pytest

from tests.services.query.insights.visits import LIFECYCLE, STICKINESS, VISITS, query
from tests.services.query.people.shop import ok
from tests.waiting import seen
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS]}
RECENT = {"dateRange": {"date_from": "-3d"}}


async def made(whole: Whole, path: str, **body: Any) -> int:
    answer = await whole.client.post(f"{whole.root}{path}/", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def changed(whole: Whole, path: str, **body: Any) -> None:
    ok(await whole.client.patch(f"{whole.root}{path}", json=body))


async def told(whole: Whole, node: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await query(whole, node | RECENT, include="changes", refresh="force_blocking")
    found: list[dict[str, Any]] = answer["changes"]
    return found


@pytest.mark.parametrize("node", [TRENDS, STICKINESS, LIFECYCLE], ids=lambda node: node["kind"])
async def test_of_the_action_that_it_counts(whole: Whole, node: dict[str, Any]) -> None:
    action = await made(whole, "actions", name="Paid", steps=[{"event": "paid"}])
    other = await made(whole, "actions", name="Left", steps=[{"event": "left"}])
    counting = node | {"series": [{"kind": "ActionsNode", "id": action}]}
    assert await told(whole, counting) == []
    await changed(whole, f"actions/{other}/", steps=[{"event": "gone"}])
    await changed(whole, f"actions/{action}/", name="Bought")
    assert await told(whole, counting) == []
    await changed(whole, f"actions/{action}/", steps=[{"event": "bought"}])
    (change,) = await told(whole, counting)
    answer = await query(whole, TRENDS | RECENT)
    assert change["day"] == answer["results"][0]["days"][-1]
    assert change["at"].startswith(change["day"])
    assert change["what"] == f"action {action} 'Bought': steps changed"
    assert (change["by"]["id"], change["by"]["email"]) == (whole.ada, "ada@example.com")
    plain = await query(whole, counting | RECENT)
    added = await query(whole, counting | RECENT, include="changes")
    assert added.keys() - plain.keys() == {"changes"}
    assert added["results"] == plain["results"]


async def test_of_cohorts_and_of_the_projects_filters_if_they_are_asked_for(whole: Whole) -> None:
    person = {"key": "email", "type": "person", "operator": "is_set", "value": None}
    groups = {"properties": {"type": "AND", "values": [person]}}
    cohort = await made(whole, "cohorts", name="Known", filters=groups)
    within = {"key": "id", "type": "cohort", "value": cohort}
    node = TRENDS | {"properties": [within]}
    assert await told(whole, node) == []
    person = person | {"key": "name"}
    groups = {"properties": {"type": "AND", "values": [person]}}
    await changed(whole, f"cohorts/{cohort}/", filters=groups)
    administrator = await whole.key(user_id=await whole.member("eve@example.com", level=8))
    filters = [{"key": "test", "value": "no"}]
    ok(
        await whole.client.patch(
            whole.root, json={"test_account_filters": filters}, headers=administrator
        )
    )
    of_cohort = f"cohort {cohort} 'Known': filters changed"
    of_project = "project: test account filters changed"
    assert [one["what"] for one in await told(whole, node)] == [of_cohort]
    tested = node | {"filterTestAccounts": True}
    found = await seen(lambda: told(whole, tested), lambda changes: len(changes) > 1)
    assert [one["what"] for one in found] == [of_cohort, of_project]
    before = {"dateRange": {"date_from": "-9d", "date_to": "-5d"}}
    answer = await query(whole, tested | before, include="changes")
    assert answer["changes"] == []
