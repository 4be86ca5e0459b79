"""Who is in a cohort, of both kinds, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.query.people.shop import NOON, known, merged, ok, person_id
from tests.whole import Whole

PRO: dict[str, Any] = {"properties": [{"key": "plan", "type": "person", "value": "pro"}]}


async def made(whole: Whole, **fields: Any) -> int:
    """The number of a new cohort, once every read has it."""
    answer = await whole.client.post(f"{whole.root}cohorts/", json=fields)
    assert answer.status_code == 201, answer.text
    number = int(answer.json()["id"])
    seen = {"Insights-Position": answer.headers["Insights-Position"]}
    ok(await whole.client.get(f"{whole.root}cohorts/{number}/", headers=seen))
    return number


def ids(*names: str) -> list[str]:
    return [str(person_id(name)) for name in names]


async def members(whole: Whole, number: int) -> list[str]:
    """The ids of everybody, page after page."""
    found: list[str] = []
    following: str | None = f"{whole.root}cohorts/{number}/persons/?limit=2"
    while following is not None:
        page = ok(await whole.client.get(following))
        found += [one["id"] for one in page["results"]]
        following = page["next"]
    return found


async def rewritten(whole: Whole, name: str, hours: int, *, deleted: bool = False) -> None:
    """The engine's record of somebody from now on; made so long after NOON."""
    await whole.clickhouse.insert(
        "persons",
        {
            "team_id": [whole.project.id],
            "person_id": [person_id(name)],
            "properties": ['{"plan": "pro"}'],
            "sent": ["{}"],
            "is_identified": [True],
            "created_at": [NOON + timedelta(hours=hours)],
            "deleted": [deleted],
            "version": [9],
        },
    )


async def test_a_rule_has_whoever_is_like_that_the_newest_first(whole: Whole) -> None:
    await known(whole, **{name: {"plan": "pro"} for name in "abcde"}, fay={"plan": "free"})
    await rewritten(whole, "c", 2)
    await rewritten(whole, "a", 1)
    number = await made(whole, filters=PRO)
    found = await members(whole, number)
    assert found[:2] == ids("c", "a")
    assert sorted(found) == sorted(ids(*"abcde"))


async def test_a_list_has_whoever_was_put_on_it_and_has_a_record(whole: Whole) -> None:
    await known(whole, ada={"email": "ada@example.com"}, bob={})
    number = await made(whole, is_static=True, person_ids=ids("ada", "nobody"))
    page = ok(await whole.client.get(f"{whole.root}cohorts/{number}/persons/"))
    assert (page["next"], page["previous"]) == (None, None)
    (ada,) = page["results"]
    assert ada["properties"] == {"email": "ada@example.com"}
    del ada["created_at"], ada["properties"]
    assert ada == {
        "type": "person",
        "id": ids("ada")[0],
        "uuid": ids("ada")[0],
        "name": "ada@example.com",
        "distinct_ids": ["ada"],
        "is_identified": True,
        "matched_events": [],
        "matched_recordings": [],
        "value_at_data_point": None,
    }


async def test_whoever_was_merged_is_on_the_list_as_who_they_are_now(whole: Whole) -> None:
    await known(whole, ada={}, old={})
    number = await made(whole, is_static=True, person_ids=ids("old"))
    await merged(whole, "old", into="ada")
    await rewritten(whole, "old", 0, deleted=True)
    assert await members(whole, number) == ids("ada")


async def test_pages_lead_back_and_end(whole: Whole) -> None:
    await known(whole, **{name: {"plan": "pro"} for name in "abc"})
    number = await made(whole, filters=PRO)
    second = ok(await whole.client.get(f"{whole.root}cohorts/{number}/persons/?limit=1&offset=1"))
    assert "offset=2" in second["next"]
    assert "limit=1" in second["previous"]
    last = ok(await whole.client.get(second["next"]))
    assert (len(last["results"]), last["next"]) == (1, None)
    beyond = ok(await whole.client.get(f"{whole.root}cohorts/{number}/persons/?offset=9"))
    assert (beyond["results"], beyond["next"]) == ([], None)


async def test_whoever_comes_meanwhile_moves_nobody_onto_another_page(whole: Whole) -> None:
    await known(whole, **{name: {"plan": "pro"} for name in "abcdef"})
    number = await made(whole, filters=PRO)
    before = await members(whole, number)
    found: list[str] = []
    following: str | None = f"{whole.root}cohorts/{number}/persons/?limit=2"
    while following is not None:
        page = ok(await whole.client.get(following))
        found += [one["id"] for one in page["results"]]
        following = page["next"]
        if len(found) < 6:
            await known(whole, **{f"late{len(found)}": {"plan": "pro"}})
            await rewritten(whole, f"late{len(found)}", 5)
    assert found == before


@pytest.mark.parametrize("lacking", ["cohort:read", "person:read"])
async def test_a_key_needs_both_scopes(whole: Whole, lacking: str) -> None:
    path = f"{whole.root}cohorts/{await made(whole, filters=PRO)}/persons/"
    both = ("cohort:read", "person:read")
    assert ok(await whole.client.get(path, headers=await whole.key(*both)))["results"] == []
    one = await whole.key(*(scope for scope in both if scope != lacking))
    refused = await whole.client.get(path, headers=one)
    assert refused.status_code == 403
    assert refused.json()["detail"] == f"API key missing required scope '{lacking}'"


async def test_what_is_not_there_has_nobody(whole: Whole) -> None:
    number = await made(whole, filters=PRO)
    gone = await whole.client.patch(f"{whole.root}cohorts/{number}/", json={"deleted": True})
    seen = {"Insights-Position": gone.headers["Insights-Position"]}
    await whole.client.get(f"{whole.root}cohorts/", headers=seen)
    for path in (number, 424242, "x"):
        answer = await whole.client.get(f"{whole.root}cohorts/{path}/persons/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_people_are_a_table_for_who_wants_one(whole: Whole) -> None:
    await known(whole, ada={"plan": "pro"})
    path = f"{whole.root}cohorts/{await made(whole, filters=PRO)}/persons/?format=csv"
    answer = await whole.client.get(path)
    assert answer.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["type", "person"]
