"""Stickiness as clients ask for it: as a node, stored, on a dashboard, and who is behind it."""

import json
from typing import Any

from tests.services.query.insights.visits import (
    DATES,
    STICKINESS,
    VISITS,
    behind,
    bob_is_ada,
    data,
    query,
    visited,
)
from tests.services.query.people.shop import names, ok
from tests.waiting import seen
from tests.whole import Whole

CUMULATIVE = STICKINESS | {"stickinessFilter": {"computedAs": "cumulative"}}
VIZ = {"kind": "InsightVizNode", "source": STICKINESS}


async def test_a_node_is_computed(whole: Whole) -> None:
    await visited(whole)
    answer = await query(whole, STICKINESS)
    (row,) = answer["results"]
    assert row == {
        "action": {
            "id": "visit", "type": "events", "order": 0, "name": "visit", "custom_name": None,
            "math": None, "math_hogql": None, "math_group_type_index": None,
        },
        "label": "visit",
        "order": 0,
        "count": 4,
        "data": [2, 1, 1],
        "days": [1, 2, 3],
        "labels": ["1 day", "2 days", "3 days"],
    }  # fmt: skip
    assert answer["resolved_date_range"] == {
        "date_from": "2024-01-10T00:00:00.000000Z", "date_to": "2024-01-12T23:59:59.999999Z",
    }  # fmt: skip
    assert answer["timings"][0]["k"] == "compute"
    assert answer["hogql"].splitlines() == [
        "SELECT actors by number of intervals",
        "FROM events",
        "WHERE timestamp BETWEEN '2024-01-10 00:00:00' AND '2024-01-12 23:59:59.999999'",
        "STICKINESS over 3 intervals by day",
        "  1. visit, by person",
    ]
    assert data(await query(whole, CUMULATIVE)) == [[4, 2, 1]]


async def test_criteria_joined_intervals_and_merges_count(whole: Whole) -> None:
    await visited(whole)
    often = {"stickinessCriteria": {"operator": "gte", "value": 2}}
    assert data(await query(whole, STICKINESS | {"stickinessFilter": often})) == [[1, 0, 0]]
    # Counted from the end: the first interval is the 10th alone.
    assert data(await query(whole, STICKINESS | {"intervalCount": 2})) == [[2, 2]]
    await bob_is_ada(whole)
    assert data(await query(whole, STICKINESS)) == [[2, 0, 1]]


async def test_a_stored_one_has_a_result_in_every_refresh_mode(whole: Whole) -> None:
    await visited(whole)
    made = await whole.create(query=VIZ)
    path = f"{whole.insights}{made['id']}/"

    async def read(refresh: str) -> dict[str, Any]:
        body: dict[str, Any] = (await whole.client.get(path, params={"refresh": refresh})).json()
        return body

    assert (await read("force_cache"))["result"] is None
    assert (await read("async"))["query_status"]["complete"] is False

    async def kept() -> bool:
        return (await read("force_cache"))["result"] is not None

    await seen(kept, bool)
    for mode in ("force_cache", "blocking", "lazy_async", "async_except_on_cache_miss"):
        again = await read(mode)
        assert (mode, again["is_cached"], again["result"][0]["data"]) == (mode, True, [2, 1, 1])
    assert (await read("force_blocking"))["result"][0]["data"] == [2, 1, 1]


async def test_legacy_filters_of_an_insight_are_computed(whole: Whole) -> None:
    await visited(whole)
    filters = {
        "insight": "STICKINESS", "events": [{"id": "visit"}],
        "date_from": "2024-01-10", "date_to": "2024-01-12",
    }  # fmt: skip
    made = await whole.create(filters=filters)
    path = f"{whole.insights}{made['id']}/"
    shown = (await whole.client.get(path, params={"refresh": "blocking"})).json()
    assert [row["data"] for row in shown["result"]] == [[2, 1, 1]]


async def test_it_is_shown_on_a_dashboard_and_on_a_shared_page(whole: Whole) -> None:
    await visited(whole)
    board = (await whole.client.post(f"{whole.root}dashboards/", json={"name": "Board"})).json()
    made = await whole.create(name="Sticky", query=VIZ, dashboards=[board["id"]])
    shown = await whole.client.get(
        f"{whole.root}dashboards/{board['id']}/", params={"refresh": "blocking"}
    )
    assert [tile["insight"]["result"][0]["data"] for tile in shown.json()["tiles"]] == [[2, 1, 1]]
    sharing = await whole.client.patch(
        f"{whole.insights}{made['id']}/sharing/", json={"enabled": True}
    )
    page = await whole.client.get(
        f"/shared/{sharing.json()['access_token']}", headers={"Accept": "text/html"}
    )
    assert page.status_code == 200
    assert '<th scope="row">3 days</th><td class="number">1</td>' in page.text


async def test_the_people_behind_a_number_are_listed(whole: Whole) -> None:
    await visited(whole)
    assert await behind(whole, STICKINESS, day=1) == {"ghost": 2, "cy": 1}
    assert await behind(whole, STICKINESS, day="2") == {"Bob": 2}
    assert await behind(whole, STICKINESS, day=3) == {"ada@example.com": 3}
    assert await behind(whole, CUMULATIVE, day=2) == {"ada@example.com": 3, "Bob": 2}
    kind = "StickinessActorsQuery"
    assert await behind(whole, CUMULATIVE, kind=kind, day=2, operator="exact") == {"Bob": 2}
    assert len(await behind(whole, CUMULATIVE, kind=kind, day=2, operator="lte")) == 3


async def test_people_are_a_table_with_their_events_in_the_order_asked_for(whole: Whole) -> None:
    await visited(whole)
    source = {"kind": "InsightActorsQuery", "source": STICKINESS}
    answer = await query(whole, {"kind": "ActorsQuery", "source": source})
    assert answer["columns"] == ["actor", "created_at", "event_count"]
    assert [row[2] for row in answer["results"]] == [3, 2, 2, 1]
    assert answer["results"][0][0]["value_at_data_point"] == 3
    assert (answer["hasMore"], answer["missing_actors_count"]) == (False, 1)
    pages = [
        await query(
            whole,
            {"kind": "ActorsQuery", "source": source, "select": ["event_count"], "limit": 2,
             "offset": offset, "orderBy": ["event_count ASC"]},
        )
        for offset in (0, 2)
    ]  # fmt: skip
    assert [page["results"] for page in pages] == [[[1], [2]], [[2], [3]]]
    assert [page["hasMore"] for page in pages] == [True, False]
    found = await query(
        whole, {"kind": "ActorsQuery", "source": source, "search": "bob", "select": ["name"]}
    )
    assert found["results"] == [["Bob"]]


async def test_what_the_answer_does_not_have_is_refused(whole: Whole) -> None:
    for pointed, attr in (
        ({"series": 1}, "series"),
        ({"day": "soon"}, "day"),
        ({"compare": "previous"}, "compare"),
    ):
        source = {"kind": "InsightActorsQuery", "source": STICKINESS, **pointed}
        refused = await whole.client.post(
            f"{whole.root}query/", json={"query": {"kind": "ActorsQuery", "source": source}}
        )
        assert (refused.status_code, refused.json()["attr"]) == (400, attr)
    wrong = STICKINESS | {"series": [VISITS | {"mth": "dau"}]}
    refused = await whole.client.post(f"{whole.root}query/", json={"query": wrong})
    assert (refused.status_code, refused.json()["attr"]) == (400, "query__series__0__mth")
    assert "Did you mean math?" in refused.json()["detail"]


async def test_people_are_listed_by_legacy_filters_page_by_page(whole: Whole) -> None:
    await visited(whole)
    filters = {
        "events": json.dumps([{"id": "visit"}]), "date_from": "2024-01-10",
        "date_to": "2024-01-12", "stickiness_days": "1",
    }  # fmt: skip
    for path in ("persons", "person"):
        url = f"{whole.root}{path}/stickiness/"
        page = ok(await whole.client.get(url, params={**filters, "limit": "1"}))
        # The ghost is nobody that could be shown.
        assert (page["results"], page["missing_persons"]) == ([{"people": [], "count": 0}], 1)
        following = ok(await whole.client.get(page["next"]))
        (cy,) = following["results"][0]["people"]
        assert (cy["distinct_ids"], cy["value_at_data_point"]) == (["cy"], 1)
    body = {"events": [{"id": "visit"}], "stickiness_days": 2, "search": "bob"} | DATES
    sent = ok(await whole.client.post(f"{whole.root}persons/stickiness/", json=body))
    assert names(sent) == {"Bob"}
    refused = await whole.client.post(
        f"{whole.root}persons/stickiness/", json=body | {"stickiness_days": None}
    )
    assert (refused.status_code, refused.json()["attr"]) == (400, "stickiness_days")


async def test_what_there_is_to_choose_is_told(whole: Whole) -> None:
    compared = STICKINESS | {"compareFilter": {"compare": True}}
    answer = await query(whole, {"kind": "InsightActorsQueryOptions", "source": compared})
    assert answer["day"][1] == {"label": "2 days", "value": 2}
    assert answer["series"] == [{"label": "visit", "value": 0}]
    assert [side["value"] for side in answer["compare"]] == ["current", "previous"]
    assert (answer["status"], answer["breakdown"]) == (None, None)


async def test_what_has_no_effect_is_told_on_demand(whole: Whole) -> None:
    summed = STICKINESS | {"series": [VISITS | {"math": "sum"}]}
    answer = await query(whole, summed, include=["warnings"])
    assert answer["warnings"] == ["series[0]: math 'sum' counts persons."]
