"""Filters of a query as conditions of its plan."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    InCohort,
    PropertyIs,
)
from tests.services.query.insights.funnels.asking import (
    FRIENDS,
    J,
    K,
    plan,
)


def only(**filter_: Any) -> Any:
    return plan(properties=[{"key": "k", **filter_}]).filters


@pytest.mark.parametrize(
    ("filter_", "condition"),
    [
        ({"value": "v"}, PropertyIs("event", "k", "exact", ("v",))),
        ({"value": ["v", 1], "operator": "in"}, PropertyIs("event", "k", "exact", ("v", 1))),
        ({"value": 1, "operator": "min"}, PropertyIs("event", "k", "gte", (1,))),
        ({"value": 1, "operator": "max"}, PropertyIs("event", "k", "lte", (1,))),
        ({"value": "v", "operator": "not_in"}, PropertyIs("event", "k", "is_not", ("v",))),
        ({"value": "", "type": "feature"}, PropertyIs("event", "k", "exact", ("",))),
        ({"operator": "is_set"}, PropertyIs("event", "k", "is_set")),
        (
            {"value": ["1", 2], "operator": "between"},
            PropertyIs("event", "k", "between", (1.0, 2.0)),
        ),
        (
            {"value": 1, "type": "group", "group_type_index": 2},
            PropertyIs("group", "k", "exact", (1,), group_type_index=2),
        ),
        (
            {"value": "-7d", "operator": "is_date_before"},
            PropertyIs("event", "k", "is_date_before", ("2024-03-06T15:30:00+00:00",)),
        ),
        (
            {"value": ["-7d", "2024-03-12"], "operator": "is_date_between"},
            PropertyIs(
                "event",
                "k",
                "is_date_between",
                ("2024-03-06T15:30:00+00:00", "2024-03-12T23:59:59.999999+00:00"),
            ),
        ),
        (
            {"value": "/a/7", "operator": "is_cleaned_path_exact"},
            PropertyIs(
                "event",
                "k",
                "is_cleaned_path_exact",
                ("/a/7",),
                path_rules=(("/[0-9]+", "/:id"),),
            ),
        ),
        ({"key": "price", "value": 1}, PropertyIs("event", "price", "exact", (1,), numeric=True)),
        (FRIENDS, InCohort(5)),
        (FRIENDS | {"operator": "not_in"}, InCohort(5, negated=True)),
        (FRIENDS | {"negation": True, "value": "6"}, InCohort(6, negated=True)),
        (FRIENDS | {"value": [5, 6]}, AnyOf((InCohort(5), InCohort(6)))),
        ({"type": "empty"}, ALWAYS),
        ({"type": "flag", "value": True}, ALWAYS),
        ({"value": None}, ALWAYS),
        ({"value": []}, ALWAYS),
        ({"value": {"a": 1}}, ALWAYS),
    ],
)
def test_a_filter_becomes_a_condition(filter_: dict[str, Any], condition: Any) -> None:
    assert only(**filter_) == condition


@pytest.mark.parametrize(
    ("filter_", "detail"),
    [
        ({"type": "recording"}, "Property type recording is not supported."),
        ({"type": "session", "value": 1}, "Session property k is not supported."),
        ({"type": "event_metadata", "value": 1}, "Event metadata k is not supported."),
        (
            {"type": "element", "key": "selector", "value": "a"},
            "Selector filters are not supported.",
        ),
        (
            {"type": "element", "key": "tag_name", "value": "a", "operator": "regex"},
            "tag_name can only be compared with exact and is_not.",
        ),
        (FRIENDS | {"value": 9}, "Cohort ID 9 does not exist!"),
        ({"value": 1, "operator": "near"}, "Operator near is not supported."),
        (
            {"value": [2, 1], "operator": "between"},
            "Operator between needs two numbers, the smaller one first.",
        ),
        (
            {"value": "x", "operator": "not_between"},
            "Operator not_between needs two numbers, the smaller one first.",
        ),
        ({"value": "soon", "operator": "is_date_after"}, "'soon' is not a date that can be read."),
        (
            {"value": ["2024-03-02", "2024-03-01"], "operator": "is_date_between"},
            "Operator is_date_between needs two dates, the earlier one first.",
        ),
        (
            {"value": "2024-03-02", "operator": "is_date_not_between"},
            "Operator is_date_not_between needs two dates, the earlier one first.",
        ),
        ({"value": "new", "operator": "semver_gt"}, "'new' is not a version that can be read."),
        ({"value": "(", "operator": "regex"}, "Invalid regular expression '(': missing ): (."),
        (
            {"type": "hogql", "key": "sleep(1)"},
            "SQL expression not supported: unknown function 'sleep'.",
        ),
    ],
)
def test_a_filter_that_is_not_served_says_why(filter_: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        only(**filter_)
    assert (raised.value.attr, raised.value.detail) == ("properties", detail)


def test_groups_nest_and_what_says_nothing_is_left_out() -> None:
    empty = {"type": "AND", "values": []}
    tree = {"type": "OR", "values": [K, {"type": "AND", "values": [J, K, empty]}]}
    k, j = PropertyIs("event", "k", "exact", ("v",)), PropertyIs("event", "j", "gt", (1,))
    assert plan(properties=tree).filters == AnyOf((k, AllOf((j, k))))
    assert plan(properties={"type": "OR", "values": [K, empty]}).filters == ALWAYS
    assert plan(properties=empty).filters == ALWAYS
