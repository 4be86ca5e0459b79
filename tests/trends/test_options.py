"""What there is to choose for who asks for people: trends.md section 11."""

from typing import Any

import msgspec

from contracts.api.actors_options import SIDES
from contracts.api.trends import TrendRow
from services.query.insights.lifecycle.options import options as lifecycle_options
from services.query.insights.stickiness.options import options as stickiness_options
from services.query.insights.trends.options import options
from services.query.insights.trends.plan import NULL, OTHER, TrendsPlan
from tests.trends.stories import (
    FACTS,
    VIEWED,
    at,
    february,
    lifecycle,
    rows,
    stickiness,
    trends,
    world,
)

OF = world(
    at("u", "02-01", x=1, y="a"), at("u", "02-01", x=9, y="b"), at("u", "02-02", y="a"),
)  # fmt: skip
NONE, REST = "None (i.e. no value)", "Other (i.e. all remaining values)"


def choices(plan: TrendsPlan) -> Any:
    made = [msgspec.convert({**row, "filter": {}}, TrendRow) for row in rows(plan, OF)]
    return msgspec.to_builtins(options(plan, made))


def pairs(choices: Any) -> list[tuple[str, str | int]]:
    return [(one["label"], one["value"]) for one in choices]


def test_days_series_and_sides() -> None:
    other = {"kind": "EventsNode", "event": "buy"}
    found = choices(
        trends(VIEWED, other, dateRange=february(1, 2), compareFilter={"compare": True})
    )
    assert pairs(found["day"]) == [
        ("1-Feb-2024", "2024-02-01T00:00:00Z"),
        ("2-Feb-2024", "2024-02-02T00:00:00Z"),
    ]
    assert pairs(found["series"]) == [("$pageview", 0), ("buy", 1)]
    assert pairs(found["compare"]) == [("Current", "current"), ("Previous", "previous")]
    assert (found["breakdown"], found["breakdowns"], found["status"]) == (None, None, None)


def test_one_value_has_no_days_and_no_sides_unless_compared() -> None:
    found = choices(trends(dateRange=february(1, 2), trendsFilter={"display": "BoldNumber"}))
    assert (found["day"], found["compare"]) == (None, None)


def test_values_are_those_of_the_rows() -> None:
    asked = {"breakdown": "y", "breakdown_limit": 1}
    found = choices(trends(dateRange=february(1, 2), breakdownFilter=asked))
    assert pairs(found["breakdown"]) == [("a", "a"), (REST, OTHER)]


def test_bins_end_with_all_of_them_other_and_null() -> None:
    asked = {"breakdown": "x", "breakdown_histogram_bin_count": 2}
    found = choices(trends(dateRange=february(1, 2), breakdownFilter=asked))
    assert pairs(found["breakdown"]) == [
        ("[1,5]", "[1,5]"), ("[5,9.01]", "[5,9.01]"), ("All values", '["",""]'), (NONE, NULL),
    ]  # fmt: skip


def test_several_breakdowns_have_a_list_each() -> None:
    asked = {"breakdowns": [{"property": "y"}, {"property": "x"}]}
    found = choices(trends(dateRange=february(1, 2), breakdownFilter=asked))
    assert found["breakdown"] is None
    assert [pairs(one["values"]) for one in found["breakdowns"]] == [
        [("a", "a"), ("b", "b")], [("1", "1"), ("9", "9"), (NONE, NULL)],
    ]  # fmt: skip


def test_cohorts_have_names() -> None:
    facts = msgspec.structs.replace(FACTS, cohorts={5: "Listed"})
    asked = {"breakdown": [5, "all"], "breakdown_type": "cohort"}
    found = choices(trends(facts=facts, dateRange=february(1, 2), breakdownFilter=asked))
    assert pairs(found["breakdown"]) == [("all users", "all")]


def test_numbers_of_intervals_and_statuses() -> None:
    sticky = stickiness_options(
        stickiness(dateRange=february(1, 2), compareFilter={"compare": True})
    )
    assert pairs(msgspec.to_builtins(sticky.day)) == [("1 day", 1), ("2 days", 2)]
    assert sticky.compare == SIDES
    alive = lifecycle_options(lifecycle(dateRange=february(1, 1)))
    assert [one.label for one in alive.status or ()] == [
        "New", "Returning", "Resurrecting", "Dormant",
    ]  # fmt: skip
    assert pairs(msgspec.to_builtins(alive.day)) == [("1-Feb-2024", "2024-02-01T00:00:00Z")]
