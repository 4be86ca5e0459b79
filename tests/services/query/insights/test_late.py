"""Late events: how many of each point came late, and which points they changed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.query.insights.visits import (
    DATES,
    LIFECYCLE,
    STICKINESS,
    VISITS,
    data,
    query,
    visited,
)
from tests.services.query.people.shop import Event, happened, known, ok
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
FORMULA = {"trendsFilter": {"formula": "A + B"}, "series": [VISITS, VISITS]}


async def late_visits(whole: Whole) -> None:
    """ada's of the first day arrived as its second began, bob's an hour and a half after that."""
    await happened(whole, Event("visit", "ada", 0), stored_after=timedelta(hours=12))
    await happened(whole, Event("visit", "bob", 1), stored_after=timedelta(hours=12.5))
    await happened(whole, Event("visit", "bob", 49), stored_after=timedelta(days=9))
    await known(whole, ada={}, bob={})


async def test_points_tell_how_many_of_their_events_came_late(whole: Whole) -> None:
    await late_visits(whole)
    answer = await query(whole, TRENDS, include="late")
    assert [row["late"] for row in answer["results"]] == [[1, 0, 1]]
    assert answer["late_changes"] == []
    of_formula = await query(whole, TRENDS | FORMULA, include=["late"])
    assert [(row["data"], row["late"]) for row in of_formula["results"]] == [([4, 0, 2], [2, 0, 2])]


async def test_of_a_lifecycle_they_are_those_of_who_is_counted(whole: Whole) -> None:
    await late_visits(whole)
    answer = await query(whole, LIFECYCLE, include="late")
    late = {row["status"]: row["late"] for row in answer["results"]}
    assert late == {
        "new": [1, 0, 0], "returning": [0, 0, 0], "resurrecting": [0, 0, 1], "dormant": [0, 0, 0],
    }  # fmt: skip


@pytest.mark.parametrize("node", [TRENDS, STICKINESS, LIFECYCLE], ids=lambda node: node["kind"])
async def test_the_answer_is_the_same_with_and_without(whole: Whole, node: dict[str, Any]) -> None:
    await visited(whole)
    plain, added = await query(whole, node), await query(whole, node, include="late")
    assert added.keys() - plain.keys() == {"late_changes"}
    rows = [{name: of for name, of in row.items() if name != "late"} for row in added["results"]]
    assert rows == plain["results"]


@pytest.mark.parametrize(
    ("node", "late", "expected"),
    [
        (TRENDS, Event("visit", "dee", 26), [("2024-01-11", 2, 3)]),
        # cy comes on a second day: one fewer of one day, one more of two.
        (STICKINESS, Event("visit", "cy", 1.5), [(1, 2, 1), (2, 1, 2)]),
        (
            LIFECYCLE,
            Event("visit", "bob", 26),
            [
                ("2024-01-11 returning", 1, 2),
                ("2024-01-12 returning", 1, 2),
                ("2024-01-12 resurrecting", 1, 0),
                ("2024-01-11 dormant", -2, -1),
            ],
        ),
    ],
    ids=["trends", "stickiness", "lifecycle"],
)
async def test_points_that_differ_from_the_result_kept_before_are_told(
    whole: Whole, node: dict[str, Any], late: Event, expected: list[Any]
) -> None:
    await visited(whole)
    first = await query(whole, node, include="late", refresh="force_blocking")
    assert first["late_changes"] == []
    await happened(whole, late)
    await seen_again(whole)
    second = await query(whole, node, include="late", refresh="force_blocking")
    changes = second["late_changes"]
    told = [
        (f"{one['day']} {one['status']}" if "status" in one else one["day"], one["old"], one["new"])
        for one in changes
    ]
    assert told == expected
    assert all(one["from"] < one["to"] for one in changes)
    # Kept with the result.
    assert (await query(whole, node, include="late"))["late_changes"] == changes


async def seen_again(whole: Whole) -> None:
    """Rows that no projector brought move no mark."""
    async with whole.pool.connection() as conn:
        await conn.execute("UPDATE results SET last_refresh = last_refresh - interval '1 hour'")


async def test_a_point_that_is_still_running_is_no_late_change(whole: Whole) -> None:
    node = TRENDS | {"dateRange": {"date_from": "-2d"}}
    await query(whole, node, include="late", refresh="force_blocking")
    await happened(whole, Event("visit", "ada", 0), at_now=True)
    await seen_again(whole)
    after = await query(whole, node, include="late", refresh="force_blocking")
    assert data(after) == [[0, 0, 1]]
    assert after["late_changes"] == []


async def test_insights_and_legacy_filters_tell_it_too(whole: Whole) -> None:
    await late_visits(whole)
    made = await whole.create(query=TRENDS)
    asked = {"include": "late", "refresh": "blocking"}
    read = ok(await whole.client.get(f"{whole.insights}{made['id']}/", params=asked))
    filters = {"events": [{"id": "visit"}], "include": ["late"], **DATES}
    legacy = ok(await whole.client.post(f"{whole.insights}trend/", json=filters))
    for body in (read, legacy):
        assert body["result"][0]["late"] == [1, 0, 1]
        assert body["late_changes"] == []
