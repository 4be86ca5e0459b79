"""Actions and cohorts from their creation to the funnel that names them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import msgspec
import pytest

from tests import waiting
from tests.whole import PERSONS, Whole

NOW = datetime.now(UTC)


async def make(whole: Whole, what: str, **fields: Any) -> int:
    answer = await whole.client.post(f"{whole.root}{what}/", json=fields)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def sign_ups(whole: Whole) -> None:
    """ada, bob and cy signed up; ada and cy paid."""
    await whole.happened(
        ("signed_up", "ada", NOW - timedelta(hours=9)),
        ("signed_up", "bob", NOW - timedelta(hours=9)),
        ("signed_up", "cy", NOW - timedelta(hours=9)),
        ("paid", "ada", NOW - timedelta(hours=8)),
        ("paid", "cy", NOW - timedelta(hours=8)),
    )


async def persons(whole: Whole, **plans: str | None) -> None:
    """Persons as ClickHouse holds them, each with a plan or without."""
    await whole.clickhouse.insert(
        "persons",
        {
            "team_id": [whole.project.id] * len(plans),
            "person_id": [uuid5(PERSONS, name) for name in plans],
            "properties": [
                msgspec.json.encode({"plan": plan} if plan else {}).decode()
                for plan in plans.values()
            ],
            "sent": ["{}"] * len(plans),
            "is_identified": [True] * len(plans),
            "created_at": [NOW] * len(plans),
            "deleted": [False] * len(plans),
            "version": [1] * len(plans),
        },
    )


async def counts(whole: Whole, *, status: int = 200, **filters: Any) -> Any:
    body = {"events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}], **filters}
    answer = await whole.client.post(f"{whole.root}insights/funnel/?refresh=true", json=body)
    assert answer.status_code == status, answer.text
    return [step["count"] for step in answer.json()["result"]] if status == 200 else answer.json()


def in_cohort(number: int, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "cohort", "key": "id", "value": number, **more}]


def plan_is(plan: str) -> dict[str, Any]:
    return {"properties": [{"key": "plan", "type": "person", "value": plan}]}


async def test_an_action_is_a_step_at_once_and_until_it_is_deleted(whole: Whole) -> None:
    await sign_ups(whole)
    action = await make(whole, "actions", name="Pays", steps=[{"event": "paid"}])
    funnel: dict[str, Any] = {
        "events": [{"id": "signed_up", "order": 0}],
        "actions": [{"id": action, "order": 1}],
    }
    assert await counts(whole, **funnel) == [3, 2]
    await whole.client.patch(
        f"{whole.root}actions/{action}/", json={"steps": [{"event": "refunded"}]}
    )
    assert await counts(whole, **funnel) == [3, 0]
    await whole.client.patch(f"{whole.root}actions/{action}/", json={"deleted": True})
    refused = await counts(whole, **funnel, status=400)
    assert refused["detail"] == f"Action ID {action} does not exist!"


async def test_a_list_of_people_is_a_filter_and_grows(whole: Whole) -> None:
    await sign_ups(whole)
    people = [str(uuid5(PERSONS, name)) for name in ("ada", "bob")]
    number = await make(whole, "cohorts", is_static=True, person_ids=people)
    assert await counts(whole, properties=in_cohort(number)) == [2, 1]
    assert await counts(whole, properties=in_cohort(number, operator="not_in")) == [1, 1]
    body = {"person_ids": [str(uuid5(PERSONS, "cy"))]}
    await whole.client.patch(f"{whole.root}cohorts/{number}/", json=body)
    assert await counts(whole, properties=in_cohort(number)) == [3, 2]


async def test_a_rule_is_whoever_is_like_that_now(whole: Whole) -> None:
    await sign_ups(whole)
    await persons(whole, ada="pro", bob="free")
    pro = await make(whole, "cohorts", filters=plan_is("pro"))
    others = await make(
        whole,
        "cohorts",
        filters={
            "properties": [{"key": "plan", "type": "person", "value": "pro", "operator": "is_not"}]
        },
    )
    assert await counts(whole, properties=in_cohort(pro)) == [1, 1]
    # cy has no record of a person, so nothing is known of cy, not even what is missing.
    assert await counts(whole, properties=in_cohort(others)) == [1, 0]
    await whole.client.patch(f"{whole.root}cohorts/{pro}/", json={"filters": plan_is("free")})
    assert await counts(whole, properties=in_cohort(pro)) == [1, 0]


async def test_cohorts_are_made_of_cohorts(whole: Whole) -> None:
    await sign_ups(whole)
    await persons(whole, ada="pro", bob="free", cy=None)
    listed = await make(whole, "cohorts", is_static=True, person_ids=[str(uuid5(PERSONS, "ada"))])
    pro = await make(whole, "cohorts", filters=plan_is("pro"))
    rest = {
        "properties": {
            "type": "AND",
            "values": [
                *in_cohort(listed, negation=True),
                *in_cohort(pro, operator="not_in"),
            ],
        }
    }
    outer = await make(whole, "cohorts", filters=rest)
    assert await counts(whole, properties=in_cohort(outer)) == [2, 1]


async def test_a_rule_that_says_nothing_has_no_members(whole: Whole) -> None:
    await sign_ups(whole)
    await persons(whole, ada="pro")
    number = await make(whole, "cohorts")
    assert await counts(whole, properties=in_cohort(number)) == [0, 0]


async def test_a_funnel_is_broken_down_by_cohorts_of_both_kinds(whole: Whole) -> None:
    await sign_ups(whole)
    await persons(whole, ada="pro", bob="free")
    listed = await make(
        whole,
        "cohorts",
        name="List",
        is_static=True,
        person_ids=[str(uuid5(PERSONS, name)) for name in ("bob", "cy")],
    )
    pro = await make(whole, "cohorts", name="Pro", filters=plan_is("pro"))
    answer = await whole.client.post(
        f"{whole.root}insights/funnel/",
        json={
            "events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}],
            "breakdown_type": "cohort",
            "breakdown": [listed, pro],
        },
    )
    assert answer.status_code == 200, answer.text
    found = {
        steps[0]["breakdown"]: [step["count"] for step in steps]
        for steps in answer.json()["result"]
    }
    assert found == {"List": [2, 1], "Pro": [1, 1]}


async def test_what_does_not_exist_is_refused(whole: Whole) -> None:
    refused = await counts(whole, properties=in_cohort(424242), status=400)
    assert refused["detail"] == "Cohort ID 424242 does not exist!"
    number = await make(whole, "cohorts", filters=plan_is("pro"))
    await whole.client.patch(f"{whole.root}cohorts/{number}/", json={"deleted": True})
    await counts(whole, properties=in_cohort(number), status=400)


async def test_what_is_stored_in_another_form_is_refused_and_never_half_understood(
    whole: Whole,
) -> None:
    number = await make(whole, "actions", name="Pays", steps=[{"event": "paid"}])
    await whole.client.get(f"{whole.root}actions/{number}/")
    async with whole.pool.connection() as conn:
        await conn.execute(
            "UPDATE actions SET row = jsonb_set(row::jsonb, '{steps}', '[{\"event\": 5}]')"
            " WHERE team_id = %s AND action_id = %s",
            (whole.project.id, number),
        )
    refused = await counts(whole, actions=[{"id": number, "order": 2}], status=400)
    assert "is stored in a form that is not served" in refused["detail"]


@pytest.mark.parametrize("what", ["actions", "cohorts"])
async def test_the_newest_is_listed_first_and_each_is_read_by_itself(
    whole: Whole, what: str
) -> None:
    numbers = {name: await make(whole, what, name=name) for name in ("b", "c", "A")}
    ended = await whole.client.patch(f"{whole.root}{what}/{numbers['c']}/", json={"deleted": True})
    seen = {"Insights-Position": ended.headers["Insights-Position"]}
    page = (await whole.client.get(f"{whole.root}{what}/?limit=1", headers=seen)).json()
    assert ([row["name"] for row in page["results"]], page["count"]) == (["A"], 2)
    rest = (await whole.client.get(page["next"])).json()
    assert [row["name"] for row in rest["results"]] == ["b"]
    one = await whole.client.get(f"{whole.root}{what}/{numbers['b']}/")
    assert one.json() == rest["results"][0]
    patched = await whole.client.patch(f"{whole.root}{what}/{numbers['b']}/", json={"name": "B"})
    later = await whole.client.get(f"{whole.root}{what}/{numbers['b']}/")
    assert (later.content, later.headers["etag"]) == (patched.content, patched.headers["etag"])
    for gone in (numbers["c"], 424242, "x"):
        assert (await whole.client.get(f"{whole.root}{what}/{gone}/")).status_code == 404


@pytest.mark.parametrize("what", ["actions", "cohorts"])
async def test_a_list_is_searched_by_a_part_of_the_names(whole: Whole, what: str) -> None:
    for name in ("Signs up", "Pays", None):
        await make(whole, what, name=name)
    for search, names in (("SIGN", ["Signs up"]), (" ", [None, "Pays", "Signs up"]), ("%", [])):
        answer = await whole.client.get(f"{whole.root}{what}/", params={"search": search})
        body = answer.json()
        assert ([each["name"] for each in body["results"]], body["count"]) == (names, len(names))


async def test_cohorts_that_were_stored_in_a_loop_are_a_refusal(whole: Whole) -> None:
    """A write would be refused today: these are from before."""
    await sign_ups(whole)
    await persons(whole, ada="pro")
    a = await make(whole, "cohorts", name="A")
    b = await make(whole, "cohorts", name="B", filters={"properties": in_cohort(a)})

    filters = msgspec.json.encode({"properties": in_cohort(b)}).decode()

    async def close_the_loop() -> int:
        """Rows changed: none before the projection has written the cohort."""
        async with whole.pool.connection() as conn:
            cursor = await conn.execute(
                "UPDATE cohorts SET cohorts = ARRAY[%(b)s::bigint],"
                " row = jsonb_set(row::jsonb, '{filters}', %(filters)s::jsonb)"
                " WHERE team_id = %(team)s AND cohort_id = %(a)s",
                {"a": a, "b": b, "team": whole.project.id, "filters": filters},
            )
            return cursor.rowcount

    await waiting.seen(close_the_loop, lambda rows: rows == 1)
    answer = await counts(whole, status=400, properties=in_cohort(b))
    assert answer["detail"] == "Cohorts cannot reference other cohorts in a loop."
    people = await whole.client.get(f"{whole.root}cohorts/{a}/persons/")
    assert (people.status_code, people.json()["detail"]) == (400, answer["detail"])
    listed = await whole.client.get(f"{whole.root}cohorts/")
    assert listed.json()["count"] == 2
