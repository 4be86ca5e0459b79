"""What trends, stickiness and lifecycles tell beside their numbers, and days of another zone."""

from hashlib import sha256
from typing import Any

import pytest

from services.query.insights.checks import NOT_LOOKED_AT
from tests.services.query.insights.visits import (
    DATES,
    LIFECYCLE,
    STICKINESS,
    VISITS,
    data,
    query,
    visited,
)
from tests.services.query.people.shop import Event, happened, ok
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
KINDS = [TRENDS, STICKINESS, LIFECYCLE]
GROUPS = VISITS | {"math": "unique_group", "math_group_type_index": 3}
NOW = {"dateRange": {"date_from": "-2d"}}
ADDED = ["changes", "incomplete", "late", "result_hash", "warnings"]
BESIDE = {"changes", "computed_to", "late_changes", "result_hash", "warnings"}


def active(answer: dict[str, Any]) -> int:
    """How many came on the one day; those who stayed away are negative."""
    return sum(sum(point for point in row if point > 0) for row in data(answer))


@pytest.mark.parametrize("node", KINDS, ids=lambda node: node["kind"])
async def test_an_answer_is_the_same_with_and_without_what_is_added(
    whole: Whole, node: dict[str, Any]
) -> None:
    await visited(whole)
    plain = await query(whole, node)
    added = await query(whole, node, include=ADDED)
    assert not BESIDE & plain.keys()
    assert added.keys() - plain.keys() == BESIDE
    for row in added["results"]:
        row.pop("late", None)
    assert [row.pop("incomplete") for row in added["results"]] == [[] for _ in plain["results"]]
    assert added["results"] == plain["results"]


async def test_points_that_still_change_are_told(whole: Whole) -> None:
    for node, expected in ((TRENDS, [[2]]), (LIFECYCLE, [[2]] * 4), (STICKINESS, [[0, 1, 2]])):
        answer = await query(whole, node | NOW, include="incomplete")
        assert [row["incomplete"] for row in answer["results"]] == expected
    cut = {"date_from": "2024-01-10T12:00:00", "date_to": "2024-01-11", "explicitDate": True}
    answer = await query(whole, STICKINESS | {"dateRange": cut}, include="incomplete")
    assert answer["results"][0]["incomplete"] == [0, 1]


async def test_the_position_that_an_answer_has_seen_grows_with_the_events(whole: Whole) -> None:
    await visited(whole)
    node = LIFECYCLE | NOW
    before = await query(whole, node, include="incomplete", refresh="force_blocking")
    assert before["computed_to"] >= 0
    await happened(whole, Event("visit", "ada", 24 * 900))
    after = await query(whole, node, include="incomplete", refresh="force_blocking")
    assert after["computed_to"] >= before["computed_to"]


@pytest.mark.parametrize("node", KINDS, ids=lambda node: node["kind"])
async def test_equal_bytes_have_an_equal_hash(whole: Whole, node: dict[str, Any]) -> None:
    await visited(whole)

    async def hashed(**members: Any) -> tuple[str, bytes]:
        asked = {"query": node | members, "include": "result_hash"}
        answer = await whole.client.post(f"{whole.root}query/", json=asked)
        results = answer.content.split(b'"results":', 1)[1].split(b',"is_cached"', 1)[0]
        return answer.json()["result_hash"], results

    told, results = await hashed()
    assert told == sha256(results).hexdigest()
    # Kept apart, and so computed again.
    assert await hashed(filterTestAccounts=False) == (told, results)
    assert (await hashed(series=[{"kind": "EventsNode", "event": "left"}]))[0] != told


@pytest.mark.parametrize("node", KINDS, ids=lambda node: node["kind"])
async def test_an_unknown_action_has_no_rows_and_a_warning(
    whole: Whole, node: dict[str, Any]
) -> None:
    series = [{"kind": "ActionsNode", "id": 77, "math": "sum", "properties": [{"key": "a"}]}]
    answer = await query(whole, node | {"series": series}, include="warnings")
    assert answer["results"] == []
    ignored, math, unknown = answer["warnings"]
    assert ignored == "series[0].properties: the filter on 'a' has no value and was ignored."
    assert math.startswith("series[0]: ")
    assert "sum" in math
    assert unknown == "series[0]: there is no action 77, so the series has no rows."


@pytest.mark.parametrize("node", KINDS, ids=lambda node: node["kind"])
async def test_days_are_counted_in_the_zone_that_the_range_names(
    whole: Whole, node: dict[str, Any]
) -> None:
    # 4 o'clock UTC is still the day before in New York.
    await happened(whole, Event("visit", "ada", 4 - 12), Event("visit", "bob", 11))
    day = {"date_from": "2024-01-10", "date_to": "2024-01-10"}
    there = day | {"timezone": "America/New_York"}
    here = await query(whole, node | {"dateRange": day})
    away = await query(whole, node | {"dateRange": there})
    assert here["timezone"] == "UTC"
    assert away["timezone"] == "America/New_York"
    assert away["resolved_date_range"]["date_from"] == "2024-01-10T05:00:00.000000Z"
    assert [active(answer) for answer in (here, away)] == [2, 1]
    refused = await whole.client.post(
        f"{whole.root}query/",
        json={"query": node | {"dateRange": day | {"timezone": "Mars/Olympus"}}},
    )
    assert (refused.status_code, refused.json()["attr"]) == (400, "dateRange__timezone")
    assert refused.json()["detail"] == "There is no time zone Mars/Olympus."


@pytest.mark.parametrize(
    "stored",
    [
        {"query": LIFECYCLE | {"dateRange": {"date_from": "-1d"}}},
        {"filters": {"insight": "LIFECYCLE", "events": [{"id": "visit"}], "date_from": "-1d"}},
    ],
    ids=["query", "filters"],
)
async def test_a_stored_insight_tells_what_is_asked_for_beside_its_result(
    whole: Whole, stored: dict[str, Any]
) -> None:
    made = await whole.create(**stored)
    path = f"{whole.insights}{made['id']}/"

    async def read(**asked: str) -> dict[str, Any]:
        return ok(await whole.client.get(path, params={"refresh": "blocking"} | asked))

    plain, added = await read(), await read(include=",".join(ADDED))
    assert added.keys() - plain.keys() == BESIDE
    assert [row.pop("incomplete") for row in added["result"]] == [[1]] * 4
    assert [row.pop("late") for row in added["result"]] == [[0, 0]] * 4
    assert added["result"] == plain["result"]
    refused = await whole.client.get(path, params={"include": "pending"})
    assert (refused.status_code, refused.json()["attr"]) == (400, "include")
    names = "changes, incomplete, late, result_hash, warnings"
    assert f"takes a list of {names}" in refused.json()["detail"]


async def test_the_endpoint_of_legacy_filters_tells_the_same(whole: Whole) -> None:
    await visited(whole)
    filters = {"events": [{"id": "visit"}], "actions": [{"id": 77}], "include": ADDED, **DATES}
    body = ok(await whole.client.post(f"{whole.insights}trend/", json=filters))
    (row,) = body["result"]
    assert (row["data"], row["incomplete"]) == ([4, 2, 2], [])
    assert body["warnings"] == ["series[0]: there is no action 77, so the series has no rows."]
    assert len(body["result_hash"]) == 64
    assert body["computed_to"] >= 0


async def test_values_without_a_row_of_their_own_are_told(whole: Whole) -> None:
    await visited(whole)
    by = {"breakdown": "email", "breakdown_type": "person", "breakdown_limit": 1}
    told = await query(whole, TRENDS | {"breakdownFilter": by}, include="warnings")
    assert told["warnings"] == [
        "breakdownFilter: the first 1 values have rows, and the rest is in Other."
    ]
    all_ = await query(
        whole, TRENDS | {"breakdownFilter": by | {"breakdown_limit": 2}}, include="warnings"
    )
    assert all_["warnings"] == []


@pytest.mark.parametrize(
    ("node", "part"),
    [
        (TRENDS | {"series": [GROUPS]}, "series[0]"),
        (TRENDS | {"series": [GROUPS | {"math": "avg_count_per_actor"}]}, "series[0]"),
        (STICKINESS | {"series": [VISITS, GROUPS]}, "series[1]"),
        (LIFECYCLE | {"aggregation_group_type_index": 3}, "aggregation_group_type_index"),
    ],
)
async def test_groups_of_a_type_that_the_project_has_none_of_are_told(
    whole: Whole, node: dict[str, Any], part: str
) -> None:
    told = await query(whole, node, include="warnings")
    assert told["warnings"] == [
        f"{part}: the project has no groups of type 3, so none are counted."
    ]
    async with whole.pool.connection() as conn:
        await conn.execute("INSERT INTO group_types VALUES (%s, 'company', 3)", (whole.project.id,))
    assert (await query(whole, node, include="warnings"))["warnings"] == []


async def test_an_engine_that_fails_while_warnings_are_looked_for_is_logged_and_nothing_is_kept(
    whole: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    paid = {"kind": "EventsNode", "event": "paid", "math": "sum", "math_property": "price"}
    await happened(whole, Event("paid", "ada", 0, properties={"price": "x"}))
    node = TRENDS | {"series": [paid]}
    numbers = data(await query(whole, node))
    await whole.clickhouse.command("RENAME TABLE events TO events_away")
    try:
        told = await query(whole, node, include="warnings")
    finally:
        await whole.clickhouse.command("RENAME TABLE events_away TO events")
    assert data(told) == numbers
    assert told["warnings"] == [NOT_LOOKED_AT]
    assert "warnings_missed" in caplog.text
    after = await query(whole, node, include="warnings")
    assert after["warnings"] == ["series[0]: 1 values of 'price' are no numbers and are left out."]


async def test_properties_without_numbers_are_told(whole: Whole) -> None:
    prices = [
        Event("paid", "ada", hour, properties={"price": price, "plan": "a"})
        for hour, price in enumerate((5, "7", "free", True))
    ]
    await happened(whole, *prices, Event("paid", "bob", 5))
    paid = {"kind": "EventsNode", "event": "paid", "math": "sum"}
    series = [paid | {"math_property": name} for name in ("price", "plan", "prise")]
    plain = TRENDS | {"series": [*series, {"kind": "EventsNode", "event": "paid"}]}
    told = await query(whole, plain, include="warnings")
    assert [row["count"] for row in told["results"]] == [12, 0, 0, 5]
    assert told["warnings"] == [
        "series[0]: 2 values of 'price' are no numbers and are left out.",
        "series[1]: 4 values of 'plan' are no numbers and are left out.",
        "series[2]: no event of the range has the property 'prise'.",
    ]
