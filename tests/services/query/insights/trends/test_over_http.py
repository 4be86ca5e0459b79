"""Trends as clients ask for them: as a node, stored, on a dashboard, on a shared page."""

from typing import Any

import pytest

from tests.services.query.insights.visits import (
    DATES,
    DAYS,
    VISITS,
    bob_is_ada,
    data,
    query,
    visited,
)
from tests.services.query.people.shop import Event, happened
from tests.waiting import seen
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
ACTIVE = TRENDS | {"series": [VISITS | {"math": "dau"}]}
BY_EMAIL = {"breakdownFilter": {"breakdown": "email", "breakdown_type": "person"}}
VIZ = {"kind": "InsightVizNode", "source": TRENDS}


def shown(display: str) -> dict[str, Any]:
    return TRENDS | {"trendsFilter": {"display": display}}


async def test_a_node_is_computed(whole: Whole) -> None:
    await visited(whole)
    answer = await query(whole, TRENDS)
    (row,) = answer["results"]
    assert row == {
        "action": {
            "id": "visit", "type": "events", "order": 0, "name": "visit", "custom_name": None,
            "math": None, "math_property": None, "math_hogql": None, "math_group_type_index": None,
            "properties": {}, "days": [f"{day}T00:00:00Z" for day in DAYS],
        },
        "label": "visit",
        "order": 0,
        "count": 8,
        "data": [4, 2, 2],
        "days": DAYS,
        "labels": ["10-Jan-2024", "11-Jan-2024", "12-Jan-2024"],
        "filter": {
            "insight": "TRENDS", "display": "ActionsLineGraph", "interval": "day",
            "date_from": "2024-01-10T00:00:00.000000Z", "date_to": "2024-01-12T23:59:59.999999Z",
        },
    }  # fmt: skip
    assert answer["hasMore"] is False
    assert answer["resolved_date_range"] == {
        "date_from": "2024-01-10T00:00:00.000000Z", "date_to": "2024-01-12T23:59:59.999999Z",
    }  # fmt: skip
    assert answer["timings"][0]["k"] == "compute"
    assert answer["hogql"].splitlines() == [
        "SELECT numbers by day",
        "FROM events",
        "WHERE timestamp BETWEEN '2024-01-10 00:00:00' AND '2024-01-12 23:59:59.999999'",
        "COUNTING",
        "  1. events: visit",
    ]


async def test_actors_count_as_they_are_now(whole: Whole) -> None:
    await visited(whole)
    assert data(await query(whole, ACTIVE)) == [[3, 2, 2]]
    await bob_is_ada(whole)
    weekly = ACTIVE | {"series": [VISITS | {"math": "weekly_active"}]}
    assert data(await query(whole, weekly)) == [[2, 3, 3]]


async def test_a_breakdown_has_other_and_says_that_there_is_more(whole: Whole) -> None:
    await visited(whole)
    answer = await query(whole, ACTIVE | BY_EMAIL)
    assert [(row["label"], row["data"]) for row in answer["results"]] == [
        ("ada@example.com", [1, 1, 1]), ("$$_posthog_breakdown_null_$$", [2, 1, 1]),
    ]  # fmt: skip
    one = {"breakdownFilter": BY_EMAIL["breakdownFilter"] | {"breakdown_limit": 1}}
    answer = await query(whole, ACTIVE | one)
    assert answer["results"][1]["label"] == "$$_posthog_breakdown_other_$$"
    assert (data(answer), answer["hasMore"]) == ([[1, 1, 1], [2, 1, 1]], True)


async def test_one_value_formulas_and_the_range_before(whole: Whole) -> None:
    await visited(whole)
    (row,) = (await query(whole, shown("BoldNumber")))["results"]
    assert (row["aggregated_value"], row["data"], row["days"], row["count"]) == (8, [], [], 0)
    asked = ACTIVE | {"series": [VISITS, VISITS | {"math": "dau"}]}
    asked |= {"trendsFilter": {"formula": "A / B"}, "compareFilter": {"compare": True}}
    current, previous = (await query(whole, asked))["results"]
    assert (current["label"], current["compare_label"]) == ("Formula (A / B)", "current")
    assert current["data"] == [4 / 3, 1, 1]
    assert (previous["compare_label"], previous["data"]) == ("previous", [0, 0, 1])
    assert previous["days"] == ["2024-01-07", "2024-01-08", "2024-01-09"]


async def test_boxes(whole: Whole) -> None:
    await happened(
        whole, *(Event("paid", "ada", at, properties={"n": at}) for at in (0, 1, 2, 3, 4))
    )
    paid = {"kind": "EventsNode", "event": "paid", "math_property": "n"}
    asked = shown("BoxPlot") | {"series": [paid]}
    first, *rest = (await query(whole, asked))["results"]
    assert first == {
        "day": "2024-01-10", "label": "10-Jan-2024", "min": 0, "p25": 1, "median": 2, "p75": 3,
        "max": 4, "mean": 2, "series_index": 0, "series_label": "paid - n",
    }  # fmt: skip
    assert [row["max"] for row in rest] == [0, 0]


async def test_additions_and_what_was_ignored(whole: Whole) -> None:
    await visited(whole)
    node = TRENDS | {"dateRange": {"date_from": "-1d"}, "aggregation_group_type_index": 0}
    answer = await query(whole, node, include=["incomplete", "warnings"])
    assert [row["incomplete"] for row in answer["results"]] == [[1]]
    assert "aggregation_group_type_index has no effect" in answer["warnings"][0]
    assert "incomplete" not in (await query(whole, node))["results"][0]


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
        assert (mode, again["is_cached"], again["result"][0]["data"]) == (mode, True, [4, 2, 2])
    assert (await read("force_blocking"))["result"][0]["data"] == [4, 2, 2]


async def test_legacy_filters_of_an_insight_are_computed(whole: Whole) -> None:
    await visited(whole)
    filters = {
        "events": [{"id": "visit", "math": "dau"}], "date_from": "2024-01-10",
        "date_to": "2024-01-12", "display": "ActionsLineGraphCumulative",
    }  # fmt: skip
    made = await whole.create(filters=filters)
    path = f"{whole.insights}{made['id']}/"
    body = (await whole.client.get(path, params={"refresh": "blocking"})).json()
    assert [row["data"] for row in body["result"]] == [[3, 4, 4]]


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        (TRENDS, '<th scope="row">12-Jan-2024</th><td class="number">2</td>'),
        (shown("ActionsBar"), '<rect class="bar f0"'),
        (shown("BoldNumber"), '<p class="alone">8</p>'),
        (
            shown("ActionsPie") | BY_EMAIL,
            '</svg> None (i.e. no value)</th>',
        ),
        (
            shown("BoxPlot") | {"series": [VISITS | {"math_property": "$time"}]},
            '<th scope="row">10-Jan-2024</th>',
        ),
    ],
)  # fmt: skip
async def test_it_is_shown_on_a_dashboard_and_on_a_shared_page(
    whole: Whole, asked: dict[str, Any], drawn: str
) -> None:
    await visited(whole)
    board = (await whole.client.post(f"{whole.root}dashboards/", json={"name": "Board"})).json()
    viz = {"kind": "InsightVizNode", "source": asked}
    made = await whole.create(name="Visits", query=viz, dashboards=[board["id"]])
    body = await whole.client.get(
        f"{whole.root}dashboards/{board['id']}/", params={"refresh": "blocking"}
    )
    assert [len(tile["insight"]["result"]) > 0 for tile in body.json()["tiles"]] == [True]
    sharing = await whole.client.patch(
        f"{whole.insights}{made['id']}/sharing/", json={"enabled": True}
    )
    page = await whole.client.get(
        f"/shared/{sharing.json()['access_token']}", headers={"Accept": "text/html"}
    )
    assert page.status_code == 200
    assert drawn in page.text


async def test_members_that_nobody_knows_are_refused_and_looks_are_not(whole: Whole) -> None:
    wrong = TRENDS | {"trendsFilter": {"smoothingInterval": 3}}
    refused = await whole.client.post(f"{whole.root}query/", json={"query": wrong})
    assert (refused.status_code, refused.json()["attr"]) == (
        400, "query__trendsFilter__smoothingInterval",
    )  # fmt: skip
    looks = {"showLegend": True, "aggregationAxisFormat": "numeric", "yAxisScaleType": "log10"}
    await visited(whole)
    assert data(await query(whole, TRENDS | {"trendsFilter": looks})) == [[4, 2, 2]]
