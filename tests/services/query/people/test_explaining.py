"""A person explained: which attempts they made, and what became of each."""

from typing import Any

from tests.services.query.people.shop import (
    DATES,
    SIGN_UP,
    Event,
    event_id,
    happened,
    known,
    merged,
    ok,
    person_id,
)
from tests.whole import Whole


async def test_a_person_is_explained_attempt_by_attempt(whole: Whole) -> None:
    began, ended = Event("signed_up", "ada", 0), Event("left", "ada", 1)
    again, paid = Event("signed_up", "ada", 2), Event("paid", "ada", 26)
    await happened(whole, began, ended, again, paid, Event("signed_up", "ghost", 0))
    await known(whole, ada={"email": "ada@example.com"}, old={})
    await merged(whole, "old", into="ada")
    asked = {
        **SIGN_UP,
        "exclusions": [{"id": "left", "funnel_from_step": 0, "funnel_to_step": 1}],
        "funnel_window_interval": 2,
    }

    async def explained(**filters: Any) -> dict[str, Any]:
        path = f"{whole.root}persons/funnel/explain/"
        return ok(await whole.client.post(path, json={**asked, **filters}))

    answer = await explained(person="ada")
    (row,) = answer["results"]
    assert (answer["events"], row["counted_steps"]) == (4, [1, 2])
    assert (answer["person"]["name"], row["breakdown_value"]) == ("ada@example.com", None)
    assert [
        (step["step"], step["uuid"], step["timestamp"]) for step in row["reported"]["steps"]
    ] == [
        (1, str(event_id(again)), "2024-01-10T14:00:00.000000Z"),
        (2, str(event_id(paid)), "2024-01-11T14:00:00.000000Z"),
    ]
    (spoilt,) = row["attempts"]
    assert (spoilt["outcome"], spoilt["by"]) == (
        "spoilt",
        {"uuid": str(event_id(ended)), "event": "left", "timestamp": "2024-01-10T13:00:00.000000Z"},
    )
    for name in (str(person_id("ada")), str(person_id("old")), "old"):
        assert await explained(person=name) == answer
    (late,) = (await explained(person="ada", funnel_window_interval=1, date_to="2024-01-12"))[
        "results"
    ]
    assert (late["counted_steps"], late["reported"] is None) == ([1, 2], False)
    (hours,) = (
        await explained(person="ada", funnel_window_interval=3, funnel_window_interval_unit="hour")
    )["results"]
    assert (hours["counted_steps"], hours["reported"]["outcome"]) == ([1], "reported")
    by_value = await explained(person="ada", breakdown=["browser"])
    assert [row["breakdown_value"] for row in by_value["results"]] == [[""]]
    by_cohort = await explained(person="ada", breakdown=["all"], breakdown_type="cohort")
    assert [row["breakdown_value"] for row in by_cohort["results"]] == [0]
    for viz in ("trends", "time_to_convert"):
        assert (await explained(person="ada", funnel_viz_type=viz))["results"] == [row]
    ghost = await explained(person=str(person_id("ghost")))
    assert (ghost["person"], ghost["results"][0]["counted_steps"]) == (None, [1])
    nobody = await explained(person="5a8f6e0e-0000-4000-8000-000000000000")
    assert (nobody["events"], nobody["results"]) == (0, [])
    query = {"person": "ada", "events": '[{"id":"signed_up"},{"id":"paid","order":1}]', **DATES}
    got = ok(await whole.client.get("/api/person/funnel/explain/", params=query))
    assert got["results"][0]["counted_steps"] == [1, 2]


async def test_nobody_is_explained_by_nothing(whole: Whole) -> None:
    path = f"{whole.root}persons/funnel/explain/"
    for filters, status, attr, detail in (
        ({}, 400, "person", "This field is required."),
        ({"person": "nobody"}, 404, None, "Person not found."),
        ({"person": "ada", "date_from": "x"}, 400, "date_from", ""),
    ):
        answer = await whole.client.post(path, json={**SIGN_UP, **filters})
        told = answer.json()
        assert (answer.status_code, told["attr"]) == (status, attr), told
        assert told["detail"].startswith(detail)
    denied = await whole.client.get(path, headers=await whole.key("query:read"))
    assert denied.status_code == 403
