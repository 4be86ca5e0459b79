"""A point explained: which events it counts, and the one reason why each other is not in it."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.services.query.insights.visits import (
    DATES,
    DAYS,
    LIFECYCLE,
    STICKINESS,
    VISITS,
    query,
    visited,
)
from tests.services.query.people.shop import Event, event_id, happened, ok, person_id
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
ACTIVE = TRENDS | {"series": [VISITS | {"math": "dau"}]}
CHEAP = {"key": "price", "operator": "lt", "type": "event", "value": 10}


async def explained(whole: Whole, source: dict[str, Any], **pointed: Any) -> dict[str, Any]:
    url = f"{whole.root}insights/trend/explain/"
    return ok(await whole.client.post(url, json={"source": source, **pointed}))


def told(answer: dict[str, Any]) -> dict[str, str | None]:
    """By distinct id, in order: the reason, None of those that count."""
    return {event["distinct_id"]: event["reason"] for event in answer["results"]}


async def test_of_a_trend_each_event_is_told_with_its_place_and_its_reason(whole: Whole) -> None:
    properties: dict[str, dict[str, Any]] = {
        "ada": {"price": 3}, "bob": {"price": 30}, "cy": {"price": 3, "plan": "a"},
    }  # fmt: skip
    await happened(whole, Event("visit", "ada", 0, properties["ada"]))
    late = timedelta(days=2)
    await happened(whole, Event("visit", "bob", 1, properties["bob"]), stored_after=late)
    await happened(whole, Event("visit", "cy", 2, properties["cy"]), Event("paid", "cy", 3))
    await whole.clickhouse.insert(
        "event_uuids",
        {
            "team_id": [whole.project.id],
            "uuid": [event_id(Event("visit", "ada", 0))],
            "sequence": [4711],
        },
    )
    set_plan = {"key": "plan", "operator": "is_not_set", "type": "event", "value": None}
    source = TRENDS | {"series": [VISITS | {"properties": [CHEAP]}], "properties": [set_plan]}
    answer = await explained(whole, source, day=DAYS[0])
    assert (answer["counted"], answer["missed"], answer["hasMore"]) == (1, 2, False)
    assert told(answer) == {"ada": None, "bob": "series_filter", "cy": "query_filter"}
    ada, bob, cy = answer["results"]
    assert ada == {
        "uuid": str(event_id(Event("visit", "ada", 0))),
        "event": "visit",
        "distinct_id": "ada",
        "timestamp": "2024-01-10T12:00:00.000000Z",
        "arrived": "2024-01-10T12:00:00.000000Z",
        "position": 4711,
        "late": False,
        "actor": str(person_id("ada")),
        "counts": True,
        "reason": None,
        "detail": None,
    }
    assert (bob["late"], bob["position"], bob["counts"]) == (True, None, False)
    assert bob["detail"] == "It does not pass: properties.price < 10"
    assert cy["detail"] == "It does not pass: properties.plan IS NULL"


async def test_it_is_told_by_pages_of_both_or_of_one_sort(whole: Whole) -> None:
    await visited(whole)
    first = {"key": "email", "type": "person", "operator": "icontains", "value": "ada"}
    source = TRENDS | {"properties": [first]}
    page = await explained(whole, source, limit=3)
    assert (page["counted"], page["missed"], page["hasMore"]) == (3, 5, True)
    assert len(page["results"]) == 3
    rest = await explained(whole, source, limit=10, offset=3)
    assert (len(rest["results"]), rest["hasMore"]) == (5, False)
    counted = await explained(whole, source, only="counted", limit=2)
    assert (list(told(counted)), counted["hasMore"]) == (["ada"], True)
    missed = await explained(whole, source, only="missed", offset=1)
    assert [event["reason"] for event in missed["results"]] == ["query_filter"] * 4
    assert not missed["hasMore"]


async def test_the_projects_filters_and_rows_are_reasons_too(whole: Whole) -> None:
    await visited(whole)
    by = {"breakdown": "email", "breakdown_type": "person", "breakdown_limit": 1}
    split = TRENDS | {"breakdownFilter": by}
    of_ada = await explained(whole, split, day=DAYS[0], breakdown="ada@example.com")
    assert told(of_ada) == {"ada": None, "bob": "other_row", "ghost": "other_row"}
    assert of_ada["results"][1]["detail"] == "Its value is '$$_posthog_breakdown_null_$$'."
    other = "$$_posthog_breakdown_other_$$"
    of_others = await explained(whole, split, day=DAYS[0], breakdown=other)
    assert told(of_others) == {"ada": "other_row", "bob": None, "ghost": None}
    running = ACTIVE | {"trendsFilter": {"display": "ActionsLineGraphCumulative"}}
    assert told(await explained(whole, running, day=DAYS[1])) == {
        "ada": "counted_before", "cy": None,
    }  # fmt: skip
    first = TRENDS | {"series": [VISITS | {"math": "first_time_for_user"}]}
    assert told(await explained(whole, first, day=DAYS[1])) == {"ada": "not_first", "cy": None}


async def test_of_stickiness_and_lifecycles_the_actor_is_the_reason(whole: Whole) -> None:
    await visited(whole)
    twice = await explained(whole, STICKINESS, day=2)
    assert told(twice) == {
        "ada": "other_number", "bob": None, "ghost": "other_number", "cy": "other_number",
    }  # fmt: skip
    assert twice["results"][0]["detail"] == "Its actor is active in 3 intervals."
    assert "late" not in twice["results"][0]
    at_least = await explained(whole, STICKINESS, day=2, operator="gte")
    assert at_least["counted"] == 5
    often = STICKINESS | {
        "stickinessFilter": {"stickinessCriteria": {"operator": "gte", "value": 2}}
    }
    busy = await explained(whole, often, day=1, only="missed")
    assert set(told(busy).values()) == {"too_few"}
    new = await explained(whole, LIFECYCLE, day=DAYS[0], status="new")
    assert told(new) == {"ada": None, "bob": None, "ghost": "other_status"}
    assert new["results"][2]["detail"] == "Its actor is returning in its period."
    dormant = await explained(whole, LIFECYCLE, day=DAYS[1], status="dormant")
    assert told(dormant) == {"ada": "other_status", "bob": None, "ghost": None}


@pytest.mark.parametrize("math", ["total", "dau"])
async def test_what_is_told_is_what_is_counted(whole: Whole, math: str) -> None:
    await visited(whole)
    source = TRENDS | {"series": [VISITS | {"math": math}]}
    (row,) = (await query(whole, source))["results"]
    for day, number in zip(row["days"], row["data"], strict=True):
        answer = await explained(whole, source, day=day, only="counted")
        actors = {event["actor"] for event in answer["results"]}
        assert number == (answer["counted"] if math == "total" else len(actors))


async def test_what_is_no_number_is_refused(whole: Whole) -> None:
    url = f"{whole.root}insights/trend/explain/"
    funnel = {"kind": "FunnelsQuery", "series": [VISITS, VISITS]}
    for body, attr in (
        ({"source": TRENDS, "day": "2023-01-01"}, "day"),
        ({"source": TRENDS, "series": 3}, "series"),
        ({"source": TRENDS, "compare": "previous"}, "compare"),
        ({"source": funnel}, "source__kind"),
        ({}, "source"),
        ({"source": TRENDS | {"serie": []}}, "source__serie"),
        ({"source": TRENDS, "status": "old"}, "status"),
        ({"source": LIFECYCLE, "operator": "gte"}, "source__kind"),
    ):
        refused = await whole.client.post(url, json=body)
        assert (refused.status_code, refused.json()["attr"]) == (400, attr), refused.text
    unknown = TRENDS | {"series": [{"kind": "ActionsNode", "id": 77}]}
    assert await explained(whole, unknown) == {
        "counted": 0, "missed": 0, "results": [], "hasMore": False,
    }  # fmt: skip


async def test_it_names_people_and_asks_for_the_scope_of_people(whole: Whole) -> None:
    key = await whole.key("insight:read")
    url = f"{whole.root}insights/trend/explain/"
    refused = await whole.client.post(url, json={"source": TRENDS}, headers=key)
    assert refused.status_code == 403
    assert b"person:read" in msgspec.json.encode(refused.json())
