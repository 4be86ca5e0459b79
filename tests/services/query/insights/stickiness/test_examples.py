"""Worked examples of stickiness: sections 12 and 17 of trends.md."""

from typing import Any

import pytest

from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.stickiness import StickinessQuery
from tests.trends.stories import VIEWED, at, counted, february, stickiness, sticky, stuck, world

DATES = february(1, 3)
TWO_OF_THREE = world(at("u1", "02-01"), at("u1", "02-03"), at("u2", "02-02"), at("u2", "02-02"))
CUMULATIVE = {"computedAs": "cumulative"}


def test_who_is_active_on_how_many_of_three_days() -> None:
    (row,) = sticky(stickiness(dateRange=DATES), TWO_OF_THREE)
    assert (row["label"], row["count"], row["data"]) == ("$pageview", 2, [1, 1, 0])
    assert (row["days"], row["labels"]) == ([1, 2, 3], ["1 day", "2 days", "3 days"])


def test_the_same_summed_up() -> None:
    (row,) = sticky(stickiness(dateRange=DATES, stickinessFilter=CUMULATIVE), TWO_OF_THREE)
    assert (row["count"], row["data"]) == (2, [2, 1, 0])
    assert row["labels"] == ["1 day or more", "2 days or more", "3 days or more"]


@pytest.mark.parametrize(
    ("operator", "value", "data"),
    [
        ("gte", 1, [1, 1, 0]),
        ("gte", 2, [1, 0, 0]),
        ("lte", 1, [0, 1, 0]),
        ("lte", 0, [0, 0, 0]),
        ("exact", 2, [1, 0, 0]),
        ("exact", 0, [0, 0, 0]),
    ],
)
def test_an_interval_counts_with_enough_events(operator: str, value: int, data: list[int]) -> None:
    asked = {"stickinessCriteria": {"operator": operator, "value": value}}
    (row,) = sticky(stickiness(dateRange=DATES, stickinessFilter=asked), TWO_OF_THREE)
    assert (row["data"], row["count"]) == (data, sum(data))


def test_joined_intervals_end_with_the_range() -> None:
    # 1 | 2 3
    (row,) = sticky(stickiness(dateRange=DATES, intervalCount=2), TWO_OF_THREE)
    assert (row["data"], row["labels"]) == ([1, 1], ["1 day", "2 days"])


def test_groups_and_expressions_are_actors_too() -> None:
    of = world(
        at("u1", "02-01", groups={0: "acme"}, team="red"),
        at("u2", "02-02", groups={0: "acme"}, team="red"),
        at("u3", "02-02", team=""),
    )
    series = [
        counted("unique_group", math_group_type_index=0),
        counted("hogql", math_hogql="properties.team"),
        counted("sum", math_property="x"),
    ]
    rows = sticky(stickiness(*series, dateRange=DATES), of)
    assert [row["data"] for row in rows] == [[0, 1, 0], [0, 1, 0], [3, 0, 0]]
    assert [row["order"] for row in rows] == [0, 1, 2]


def test_merged_persons_are_one() -> None:
    of = world(at("u1", "02-01"), at("u2", "02-02"), merged={"u2": "u1"})
    (row,) = sticky(stickiness(dateRange=DATES), of)
    assert row["data"] == [0, 1, 0]


def test_both_sides_of_a_comparison() -> None:
    of = world(at("u1", "01-29"), at("u1", "01-30"), at("u1", "02-01"))
    asked: dict[str, Any] = {"compareFilter": {"compare": True}}
    now, before = sticky(stickiness(dateRange=DATES, **asked), of)
    assert (now["compare_label"], now["data"]) == ("current", [1, 0, 0])
    assert (before["compare_label"], before["data"]) == ("previous", [0, 1, 0])


def people(day: int, *, cumulative: bool = False, **of: Any) -> dict[str, int]:
    plan = stickiness(dateRange=DATES, stickinessFilter=CUMULATIVE if cumulative else {})
    return stuck(plan, TWO_OF_THREE, InsightActorsQuery(source=StickinessQuery(), day=day, **of))


def test_the_people_of_a_point_are_its_number() -> None:
    assert people(1) == {"u2": 2}
    assert people(2) == {"u1": 2}
    assert people(3) == {}
    assert people(1, cumulative=True) == {"u1": 2, "u2": 2}


def test_the_operator_goes_before_the_sum() -> None:
    plan = stickiness(dateRange=DATES, stickinessFilter=CUMULATIVE)
    asked = StickinessActorsQuery(source=StickinessQuery(), day=1, operator="exact")
    assert stuck(plan, TWO_OF_THREE, asked) == {"u2": 2}
    asked = StickinessActorsQuery(source=StickinessQuery(), day=1, operator="lte")
    assert stuck(plan, TWO_OF_THREE, asked) == {"u2": 2}


def test_an_unknown_action_has_no_row() -> None:
    plan = stickiness({"kind": "ActionsNode", "id": 9}, VIEWED, dateRange=DATES)
    (row,) = sticky(plan, TWO_OF_THREE)
    assert row["order"] == 1


def test_a_range_that_ends_before_it_begins_has_no_interval() -> None:
    (row,) = sticky(stickiness(dateRange=february(3, 1)), TWO_OF_THREE)
    assert (row["data"], row["count"]) == ([], 0)
