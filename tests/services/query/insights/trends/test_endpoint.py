"""insights/trend/: trends, stickiness and lifecycles by legacy filters, as scripts ask for them."""

import json
from typing import Any

import pytest

from tests.services.query.insights.visits import DATES, DAYS, visited
from tests.whole import Whole

VISITS: dict[str, Any] = {"events": [{"id": "visit"}], **DATES}


async def asked(whole: Whole, **filters: Any) -> dict[str, Any]:
    answer = await whole.client.post(f"{whole.root}insights/trend/", json={**VISITS, **filters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_rows_and_what_is_known_of_them(whole: Whole) -> None:
    await visited(whole)
    body = await asked(whole)
    assert [(row["label"], row["data"], row["days"]) for row in body["result"]] == [
        ("visit", [4, 2, 2], DAYS)
    ]
    assert (body["timezone"], body["is_cached"], body["next"]) == ("UTC", False, None)
    assert body["last_refresh"] is not None
    assert (await asked(whole))["is_cached"] is True
    query = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "visit"}]}
    node = await whole.client.post(
        f"{whole.root}query/", json={"query": {**query, "dateRange": DATES}}
    )
    links = [row.pop("persons_urls") for row in body["result"]]
    assert [len(urls) for urls in links] == [3]
    assert node.json()["results"] == body["result"]


async def test_everything_may_stand_in_the_query_string(whole: Whole) -> None:
    await visited(whole)
    filters = {
        "events": json.dumps([{"id": "visit", "math": "dau"}]),
        "breakdown": "email",
        "breakdown_type": "person",
        "breakdown_limit": "1",
    }
    for root in (whole.root, whole.root.replace("projects", "environments")):
        answer = await whole.client.get(f"{root}insights/trend/", params=filters | DATES)
        assert [(row["breakdown_value"], row["data"]) for row in answer.json()["result"]] == [
            ("ada@example.com", [1, 1, 1]), ("$$_posthog_breakdown_other_$$", [2, 1, 1]),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "data"),
    [
        ({"insight": "TRENDS", "display": "ActionsLineGraphCumulative"}, [[4, 6, 8]]),
        ({"insight": "SESSIONS"}, [[4, 2, 2]]),
        ({"insight": "STICKINESS"}, [[2, 1, 1]]),
        ({"shown_as": "Stickiness"}, [[2, 1, 1]]),
        ({"insight": "LIFECYCLE"}, [[2, 0, 0], [1, 1, 1], [0, 1, 1], [0, -2, -1]]),
    ],
)
async def test_insight_tells_the_kind(
    whole: Whole, filters: dict[str, Any], data: list[list[int]]
) -> None:
    await visited(whole)
    assert [row["data"] for row in (await asked(whole, **filters))["result"]] == data


async def test_as_csv_there_is_a_line_per_row(whole: Whole) -> None:
    await visited(whole)
    params = {"events": json.dumps(VISITS["events"]), "export_name": "Visits", **DATES}
    answer = await whole.client.get(f"{whole.root}insights/trend.csv", params=params)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.splitlines() == [
        "series,10-Jan-2024,11-Jan-2024,12-Jan-2024", "visit,4,2,2",
    ]  # fmt: skip
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''"
        "Visits%20%282024-01-10%20-%202024-01-12%29%20from%20Recount.csv"
    )
    params |= {"format": "csv", "display": "BoldNumber", "export_insight_id": "abc"}
    answer = await whole.client.get(f"{whole.root}insights/trend/", params=params)
    url, *lines = answer.text.splitlines()
    assert url.endswith(f"{whole.root}insights/abc/")
    assert lines == ["series,total", "visit,8"]


@pytest.mark.parametrize(
    ("filters", "attr"),
    [
        ({"insight": "FUNNELS"}, "insight"),
        ({"events": []}, "events"),
        ({"events": [{"id": "visit", "math": "dozen"}]}, "events"),
        ({"compare": True, "compare_to": "then"}, "compare_to"),
        ({"breakdown": "x", "breakdown_limit": 5000}, "breakdown_limit"),
        ({"smoothing_intervals": -1}, "smoothing_intervals"),
        ({"insight": "LIFECYCLE", "events": [{"id": "a"}, {"id": "b"}]}, "events"),
    ],
)
async def test_refusals_name_the_field(whole: Whole, filters: dict[str, Any], attr: str) -> None:
    answer = await whole.client.post(f"{whole.root}insights/trend/", json={**VISITS, **filters})
    assert (answer.status_code, answer.json()["attr"]) == (400, attr), answer.text


async def test_unknown_additions_are_refused_and_warnings_are_told(whole: Whole) -> None:
    wrong = await whole.client.post(f"{whole.root}insights/trend/", json={"include": ["magic"]})
    assert wrong.status_code == 400
    body = await asked(whole, include=["warnings"], aggregation_group_type_index=1)
    assert "aggregation_group_type_index has no effect" in body["warnings"][0]


@pytest.mark.parametrize(
    "filters",
    [
        {"events": [{"id": "visit", "math": "dau"}]},
        {"events": [{"id": "visit", "math": "dau"}], "display": "ActionsLineGraphCumulative"},
        {"events": [{"id": "visit", "math": "weekly_active"}], "interval": "hour"},
        {"events": [{"id": "visit", "math": "dau"}], "display": "BoldNumber"},
        {
            "events": [{"id": "left"}, {"id": "visit", "math": "dau"}], "compare": True,
            "breakdown": "email", "breakdown_type": "person", "breakdown_limit": 1,
        },
    ],
)  # fmt: skip
async def test_beside_each_point_stands_who_is_behind_it(
    whole: Whole, filters: dict[str, Any]
) -> None:
    await visited(whole)
    dates = {"date_to": DAYS[0]} if filters.get("interval") else {}
    looked = 0
    for row in (await asked(whole, **filters, **dates))["result"]:
        numbers = row["data"] if "aggregated_value" not in row else [row["aggregated_value"]]
        if filters.get("display") == "ActionsLineGraphCumulative":
            numbers = [now - before for now, before in zip(numbers, [0, *numbers], strict=False)]
        for number, link in list(zip(numbers, row["persons_urls"], strict=True))[-5:]:
            page = (await whole.client.get(link["url"])).json()
            assert page["results"][0]["count"] + page["missing_persons"] == number, link
            looked += number
    assert looked > 2
