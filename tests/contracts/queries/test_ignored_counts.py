"""What queries over periods ask for without effect."""

from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.ignored_counts import of_lifecycle, of_stickiness, of_trends
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery

A = {"kind": "EventsNode", "event": "a"}


def trends(**query: Any) -> list[str]:
    document = {"kind": "TrendsQuery", "series": [A], **query}
    return of_trends(reading.node(document, TrendsQuery, None))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, []),
        ({"series": [{**A, "math": "sum", "math_property": "x"}]}, []),
        ({"series": [{**A, "math": "sum"}]},
         ["series[0]: sum without math_property counts events."]),
        ({"series": [A, {**A, "math": "dau", "math_property": "x", "math_hogql": "count()"}]},
         ["series[1]: math_property has no effect on dau.",
          "series[1]: math_hogql has no effect on dau."]),
        ({"properties": [{"key": "x"}]},
         ["properties: the filter on 'x' has no value and was ignored."]),
        ({"series": [{"kind": "GroupNode", "nodes": [{**A, "math": "dau"}]}]},
         ["series[0]: the math of a group's events has no effect."]),
        ({"aggregation_group_type_index": 0},
         ["aggregation_group_type_index has no effect on trends: a series has its own."]),
        ({"trendsFilter": {"display": "BoldNumber", "smoothingIntervals": 7}, "interval": "week"},
         ["interval has no effect on BoldNumber.",
          "smoothingIntervals has no effect on BoldNumber."]),
        ({"series": [{**A, "math_property": "x"}], "compareFilter": {"compare": True},
          "trendsFilter": {"display": "BoxPlot", "formula": "A"},
          "breakdownFilter": {"breakdown": "b"}},
         ["A breakdown has no effect on a box plot.", "A comparison has no effect on a box plot.",
          "A formula has no effect on a box plot."]),
        ({"breakdownFilter": {"breakdown": "b", "breakdowns": [{"property": "c"}]}},
         ["breakdown has no effect beside breakdowns."]),
        ({"breakdownFilter": {"breakdown": [1], "breakdown_type": "cohort", "breakdown_limit": 5}},
         ["breakdown_limit has no effect on a breakdown by cohort."]),
    ],
)  # fmt: skip
def test_trends_say_what_has_no_effect(query: dict[str, Any], said: list[str]) -> None:
    assert trends(**query) == said


def test_stickiness_and_lifecycles_say_it_too() -> None:
    series = [{**A, "math": "sum"}, {**A, "math": "dau"}]
    sticky = reading.node({"kind": "StickinessQuery", "series": series}, StickinessQuery)
    assert of_stickiness(sticky) == ["series[0]: math 'sum' counts persons."]
    alive = reading.node({"kind": "LifecycleQuery", "series": series[:1]}, LifecycleQuery)
    assert of_lifecycle(alive) == ["series[0]: math 'sum' has no effect on a lifecycle."]
