"""The sentences of changes that queries of several kinds share, and of each kind."""

import inspect
import sys
from typing import Any

import pytest

from contracts.differences.queries import TOO_DEEP
from tests.contracts.differences.sides import event, funnel, said, said_of_filters, trends

CHROME = {"key": "$browser", "value": "Chrome", "type": "event"}
LAST_WEEK = {"date_from": "-7d"}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"properties": [CHROME]}, "Now also requires $browser = Chrome."),
        ({"dateRange": LAST_WEEK}, {"dateRange": {"date_from": "-30d"}},
         "Last 30 days instead of 7."),
        ({}, {"dateRange": {"date_from": "-4w"}}, "Last 4 weeks instead of last 7 days."),
        ({}, {"dateRange": {"date_from": "mStart"}}, "This month instead of last 7 days."),
        ({}, {"dateRange": {"date_from": "2026-01-01", "date_to": "2026-02-01"}},
         "2026-01-01 to 2026-02-01 instead of last 7 days."),
        ({}, {"dateRange": {"date_from": "-2d", "date_to": "now"}}, "Last 2 days instead of 7."),
        ({}, {"dateRange": {"date_from": "all"}}, "All time instead of last 7 days."),
        ({}, {"dateRange": {"daysOfWeek": [5, 1]}},
         "Counts on Mondays and Fridays instead of every day of the week."),
        ({}, {"dateRange": {"timezone": "Europe/Berlin"}},
         "Times are in Europe/Berlin instead of the project's timezone."),
        ({"interval": "day"}, {"interval": "week"}, "By week instead of day."),
        ({}, {"breakdownFilter": {"breakdown": "$browser"}}, "Broken down by $browser."),
        ({"breakdownFilter": {"breakdown": "$os"}},
         {"breakdownFilter": {"breakdown": "plan", "breakdown_type": "person"}},
         "Broken down by the person's plan instead of $os."),
        ({"breakdownFilter": {"breakdowns": [{"property": "a"}, {"property": "b"}]}}, {},
         "No longer broken down by a and b."),
        ({}, {"breakdownFilter": {"breakdown": [3, "all"], "breakdown_type": "cohort"}},
         'Broken down by cohort "Power users" (3) and everybody.'),
        ({"breakdownFilter": {"breakdown": "a"}},
         {"breakdownFilter": {"breakdown": "a", "breakdown_limit": 5}},
         "The breakdown shows at most so many values: 5 (before: the usual limit)."),
        ({}, {"samplingFactor": 0.1}, "Sampling is 10 % instead of 100 %."),
        ({}, {"aggregation_group_type_index": 0}, "Counts groups (0) instead of persons."),
        ({}, {"filterTestAccounts": True}, "Test accounts are now filtered out."),
        ({"filterTestAccounts": True}, {"filterTestAccounts": False},
         "Test accounts are no longer filtered out."),
        ({}, {"compareFilter": {"compare": True}}, "Compared with the period before."),
        ({"compareFilter": {"compare": True}},
         {"compareFilter": {"compare": True, "compare_to": "-1w"}},
         "Compared with 1 week earlier instead of the period before."),
        ({}, {"version": 2}, "`source.version` is 2."),
        ({}, {"interval": None}, "`source.interval` is null."),
        ({"version": 1}, {"version": True}, "`source.version` is true instead of 1."),
    ],
)  # fmt: skip
def test_what_all_kinds_share(before: Any, after: Any, sentence: str) -> None:
    assert said(funnel("a", **before), funnel("a", **after)) == [sentence]


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (trends("a"), trends("a", "b"), ["Series B added: b."]),
        (
            trends("a"),
            trends(event("a", math="dau")),
            ["Series A counts unique users instead of every event."],
        ),
        (
            trends(event("a", math="sum", math_property="price")),
            trends(event("a", math="p90", math_property="price")),
            ["Series A counts the 90th percentile of price instead of the sum of price."],
        ),
        (
            trends("a", "b"),
            trends("a", "b", options={"formula": "A/B"}),
            ["Computed by `A/B`."],
        ),
        (
            trends("a", options={"display": "ActionsPie"}),
            trends("a", options={"display": "BoldNumber", "formulas": ["A", "A*2"]}),
            ["Computed by `A` and `A*2`.", "Shown as a number instead of a pie."],
        ),
        (
            {"kind": "StickinessQuery", "series": [event("a")]},
            {
                "kind": "StickinessQuery",
                "series": [event("a")],
                "intervalCount": 2,
                "stickinessFilter": {
                    "computedAs": "cumulative",
                    "stickinessCriteria": {"operator": "gte", "value": 3},
                },
            },
            [
                "Counts actors of so many intervals or more (before: exactly so many intervals).",
                "Active means at least 3 events in an interval instead of at least 1 event.",
                "An interval is 2 periods long instead of 1.",
            ],
        ),
        (
            {"kind": "LifecycleQuery", "series": [event("a")], "interval": "day"},
            {"kind": "LifecycleQuery", "series": [event("b")], "interval": "week"},
            ["Series A is now b instead of a.", "By week instead of day."],
        ),
        (
            {"kind": "RetentionQuery", "retentionFilter": {"totalIntervals": 11}},
            {
                "kind": "RetentionQuery",
                "retentionFilter": {
                    "totalIntervals": 8,
                    "period": "Week",
                    "targetEntity": {"id": "signed up", "type": "events"},
                    "returningEntity": {"id": 5, "type": "actions"},
                },
            },
            [
                "Cohorts start with signed up instead of a page view.",
                'Coming back means action "Paid" (5) instead of a page view.',
                "8 periods instead of 11.",
                "By week instead of day.",
            ],
        ),
        (
            {"kind": "PathsQuery", "pathsFilter": {"excludeEvents": ["x"]}},
            {
                "kind": "PathsQuery",
                "pathsFilter": {
                    "startPoint": "/pay",
                    "includeEventTypes": ["$pageview", "custom_event"],
                    "excludeEvents": ["y"],
                    "stepLimit": 4,
                },
            },
            [
                "Paths start at /pay instead of anywhere.",
                "Paths are made of page views and custom events instead of all events.",
                "Paths now also exclude y.",
                "Paths no longer exclude x.",
                "Paths have at most 4 steps instead of 5.",
            ],
        ),
        (
            {"kind": "HogQLQuery", "query": "select 1"},
            {"kind": "HogQLQuery", "query": "select 2"},
            ["SQL changed."],
        ),
        (
            {
                "kind": "FunnelCorrelationQuery",
                "source": {"kind": "FunnelsActorsQuery", **funnel("a")},
            }
            | {"source": {"kind": "FunnelsActorsQuery", "source": funnel("a")["source"]}},
            {
                "kind": "FunnelCorrelationQuery",
                "source": {"kind": "FunnelsActorsQuery", "source": funnel("a", "b")["source"]},
            },
            ["Step 2 added: b."],
        ),
    ],
)
def test_each_kind(before: object, after: object, sentences: list[str]) -> None:
    assert said(before, after) == sentences


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (
            trends("a", options={"display": "ActionsPie"}),
            funnel("a", "b", options={"funnelOrderType": "strict"})["source"],
            ["Now a funnel instead of trends.", "Step 2 added: b."],
        ),
        (None, trends("a"), ["Now trends."]),
        (trends("a"), None, ["No longer trends."]),
        (trends("a"), {"kind": "InsightVizNode", "source": trends("a")},
         ["Wrapped in `InsightVizNode`."]),
        (
            {"kind": "InsightVizNode", "source": trends("a")},
            {"kind": "DataTableNode", "source": trends("a"), "full": True},
            ["Wrapped in `DataTableNode` instead of `InsightVizNode`.", "`full` is true."],
        ),
        (funnel("a"), {"kind": "InsightVizNode", "source": 5}, [
            '`source` is 5 instead of {"kind":"FunnelsQuery","series":'
            '[{"event":"a","kind":"EventsNode"}]}.'
        ]),
        (funnel("a"), {**funnel("a"), "source": {**funnel("a")["source"], "series": 7}}, [
            '`source.series` is 7 instead of [{"event":"a","kind":"EventsNode"}].'
        ]),
    ],
)  # fmt: skip
def test_kinds_and_wrappers(before: object, after: object, sentences: list[str]) -> None:
    assert said(before, after) == sentences


LEGACY: dict[str, Any] = {"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b", "order": 1}]}


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (LEGACY, {**LEGACY, "funnel_window_days": 7}, [
            "Conversion window is 7 days instead of 14.",
        ]),
        (LEGACY, {**LEGACY, "insight": "TRENDS"}, ["Now trends instead of a funnel."]),
        # One member means something, and one nothing.
        ({**LEGACY, "foo": 1}, {**LEGACY, "foo": 2, "interval": "week"}, [
            "By week instead of day.", "`filters.foo` is 2 instead of 1.",
        ]),
        # What does not convert.
        ({**LEGACY, "properties": 5}, {**LEGACY, "properties": 6}, [
            "`filters.properties` is 6 instead of 5.",
        ]),
        ({}, LEGACY, ["Now a funnel."]),
    ],
)  # fmt: skip
def test_legacy_filters(before: object, after: object, sentences: list[str]) -> None:
    assert said_of_filters(before, after) == sentences


def test_what_is_nested_deeper_than_python_goes_still_has_a_sentence() -> None:
    # It can just be decoded from here, and then not be compared.
    levels = sys.getrecursionlimit() - len(inspect.stack(0)) - 18
    before, after = ({"kind": "HogQLQuery", "x": deep(inner, levels)} for inner in (1, 2))
    assert said(before, after) == [TOO_DEEP]


def deep(inner: object, levels: int) -> object:
    for _ in range(levels):
        inner = [inner]
    return inner


def test_long_values_are_cut_and_control_characters_vanish() -> None:
    (sentence,) = said(funnel("a"), funnel("a", f"b\n{'x' * 500}"))
    assert sentence == f"Step 2 added: b {'x' * 98}…."
    many = [{"key": "k", "value": [str(each) for each in range(10_000)]}]
    assert said(funnel("a"), funnel(event("a", properties=many))) == [
        "Step 1 now also requires k = 0, 1, 2, 3, 4 or 9,995 more."
    ]
