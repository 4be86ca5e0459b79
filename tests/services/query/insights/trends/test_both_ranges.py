"""Which comparisons are counted in one pass, and how it is cut in two."""

from typing import Any

import pytest

from services.query.events import folds
from services.query.insights.trends.both_ranges import BothRanges, both_ranges
from tests.trends.stories import counted, february, moment, trends

COMPARED: dict[str, Any] = {"compareFilter": {"compare": True}}
RUNNING = {"display": "ActionsLineGraphCumulative"}
ONE_VALUE = {"display": "BoldNumber"}
BROWSER = {"breakdown": "$browser"}
BINS = {"breakdowns": [{"property": "price", "histogram_bin_count": 3}]}


def pass_of(math: str = "total", **query: Any) -> BothRanges | None:
    number = {"math_property": "n"} if math == "sum" else {}
    query = {"dateRange": february(4, 6), **COMPARED, **query}
    plan = trends(counted(math, **number), **query)
    return both_ranges(plan, plan.series[0])


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"breakdownFilter": BROWSER},
        {"math": "dau"},
        {"math": "dau", "breakdownFilter": BROWSER},
        {"math": "weekly_active"},
        {"math": "first_time_for_user"},
        {"math": "sum", "breakdownFilter": BROWSER},
        {"trendsFilter": RUNNING},
    ],
    ids=str,
)
def test_ranges_that_follow_each_other_take_one_pass(query: dict[str, Any]) -> None:
    both = pass_of(**query)
    assert both is not None
    assert (both.span.date_from, len(both.span.periods)) == (moment("02-01"), 6)
    assert both.rows_of("previous", [("a", 2, 7), ("a", 3, 9)]) == [("a", 2, 7)]
    assert both.rows_of("current", [("a", 2, 7), ("a", 3, 9)]) == [("a", 0, 9)]


def test_a_day_of_both_is_cut_for_both() -> None:
    both = pass_of(dateRange={"date_from": "-7d"})
    assert both is not None
    assert both.rows_of("previous", [(7, 5)]) == [(7, 5)]
    assert both.rows_of("current", [(7, 5)]) == [(0, 5)]


def test_of_one_value_the_index_is_that_of_the_range() -> None:
    both = pass_of(trendsFilter=ONE_VALUE)
    assert both is not None
    assert both.since == moment("02-04")
    assert both.rows_of("current", [(0, 7), (1, 9)]) == [(0, 9)]
    assert both.rows_of("previous", [(0, 7), (1, 9)]) == [(0, 7)]


@pytest.mark.parametrize(
    "query",
    [
        {"compareFilter": None},
        {"compareFilter": {"compare": True, "compare_to": "-1m"}},
        {"breakdownFilter": BINS},
        {"math": "dau", "trendsFilter": RUNNING},
        {"math": "weekly_active", "trendsFilter": ONE_VALUE},
        {"math": "weekly_active", "breakdownFilter": BROWSER},
        {"dateRange": {"date_from": "-7d"}, "trendsFilter": ONE_VALUE},
    ],
    ids=str,
)
def test_others_take_a_pass_for_each(query: dict[str, Any]) -> None:
    assert pass_of(**query) is None


def test_so_do_those_whose_masks_would_be_too_small() -> None:
    days = february(1, 29)
    half = folds.BITS // 24
    assert pass_of("dau", interval="hour", dateRange=february(1, half // 2)) is not None
    assert pass_of("dau", interval="hour", dateRange=february(1, half)) is None
    assert pass_of("total", interval="hour", dateRange=days) is not None
