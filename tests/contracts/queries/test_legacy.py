"""The legacy request becomes a node: funnels.md section 1, a row of its table at a time."""

import json
from typing import Any

import msgspec
import pytest

from contracts.queries import legacy
from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import (
    ActionsNode,
    BreakdownFilter,
    DataWarehouseNode,
    DateRange,
    EventsNode,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    FunnelsFilter,
)


def funnel(**filters: Any) -> FunnelsFilter:
    return legacy.convert(filters).funnel


def wire(**filters: Any) -> Any:
    """The node as an answer shows it."""
    return msgspec.json.decode(msgspec.json.encode(legacy.convert(filters)))


def names(**filters: Any) -> list[str | int | None]:
    series = legacy.convert(filters).series
    return [node.id if isinstance(node, ActionsNode) else node.event for node in series]  # type: ignore[union-attr]  # no groups or tables here


def refused(**filters: Any) -> tuple[str | None, str]:
    with pytest.raises(InvalidQuery) as raised:
        legacy.convert(filters)
    return raised.value.attr, raised.value.detail


# Entities


def test_lists_and_objects_may_be_json_text() -> None:
    sent = {
        "events": [{"id": "a"}, {"id": "b"}],
        "exclusions": [{"id": "x"}],
        "properties": {"k": "v"},
    }
    as_text = {name: json.dumps(value) for name, value in sent.items()}
    assert legacy.convert(as_text) == legacy.convert(sent)


def test_text_that_is_no_json_is_refused_with_its_field() -> None:
    assert refused(events="[{") == ("events", "events is not valid JSON.")
    assert refused(events='"a"') == ("events", "events is a list of objects.")


def test_an_event_is_its_name_and_null_is_any_event() -> None:
    events = [{"id": "a", "name": "A", "custom_name": "first"}, {"id": None}]
    assert legacy.convert({"events": events}).series == (
        EventsNode(event="a", name="A", custom_name="first"),
        EventsNode(event=None),
    )


def test_bare_strings_and_actions_without_id_are_dropped() -> None:
    assert names(events=["a", {"id": "b"}], actions=[{"name": "x"}, {"id": "7"}]) == [7, "b"]


def test_one_entity_may_stand_alone_and_what_is_no_list_is_refused() -> None:
    (alone,) = legacy.convert({"events": {"id": "a"}}).series
    assert isinstance(alone, EventsNode)
    assert alone.event == "a"
    for filters in ({"events": 5}, {"exclusions": [{"type": "actions", "id": "x"}]}):
        with pytest.raises(InvalidQuery) as refused:
            legacy.convert(filters)
        assert refused.value.attr == next(iter(filters))


def test_actions_come_first_then_events_each_stably_by_order() -> None:
    events = [{"id": "late", "order": 2}, {"id": "e1", "order": 1}, {"id": "e0", "order": 0}]
    actions = [{"id": 1, "order": 1}, {"id": 2}]
    assert names(events=events, actions=actions) == [2, "e0", 1, "e1", "late"]
    assert names(events=[{"id": "early", "order": -1}, {"id": "none"}]) == ["none", "early"]


def test_warehouse_tables_are_kept_to_be_refused() -> None:
    assert legacy.convert({"data_warehouse": [{"id": "orders"}]}).series == (
        DataWarehouseNode(id="orders"),
    )


def test_only_first_time_mathematics_counts() -> None:
    maths = ["first_time_for_user", "first_time_for_user_with_filters", "dau", None]
    series = legacy.convert({"events": [{"id": "a", "math": math} for math in maths]}).series
    found = [node.math for node in series if isinstance(node, EventsNode)]
    assert found == [*maths[:2], None, None]


def test_an_or_group_of_an_entity_keeps_its_or() -> None:
    group = {"type": "OR", "values": [{"key": "a", "value": 1}, {"key": "b", "value": 2}]}
    shown = wire(events=[{"id": "x", "properties": group}])["series"][0]["properties"]
    assert shown["type"] == "OR"
    assert [one["key"] for one in shown["values"]] == ["a", "b"]


def test_exclusions_keep_their_steps_and_their_properties() -> None:
    sent = [
        {"id": "x", "funnel_from_step": "0", "funnel_to_step": 1, "properties": {"k": "v"}},
        {"id": "4", "type": "actions", "funnel_from_step": 0, "funnel_to_step": 2},
    ]
    event, action = funnel(exclusions=sent).exclusions or ()
    assert isinstance(event, FunnelExclusionEventsNode)
    assert (event.event, event.funnelFromStep, event.funnelToStep) == ("x", 0, 1)
    assert event.properties == [{"key": "k", "value": "v", "operator": "exact", "type": "event"}]
    assert action == FunnelExclusionActionsNode(id=4, funnelFromStep=0, funnelToStep=2)


# Properties


def test_a_list_of_properties_becomes_two_nested_groups() -> None:
    assert wire(properties=[{"key": "k", "value": "v"}])["properties"] == {
        "type": "AND",
        "values": [
            {
                "type": "AND",
                "values": [{"key": "k", "value": "v", "operator": "exact", "type": "event"}],
            }
        ],
    }


def test_a_group_of_groups_stays_as_it_is() -> None:
    inner = {
        "type": "OR",
        "values": [{"key": "k", "value": "v", "operator": "exact", "type": "event"}],
    }
    sent = {"type": "AND", "values": [inner]}
    assert wire(properties=sent)["properties"] == sent


def test_a_group_that_holds_a_filter_of_its_own_is_wrapped() -> None:
    filter_ = {"key": "k", "value": "v", "operator": "exact", "type": "event"}
    sent = {"type": "OR", "values": [filter_, {"type": "AND", "values": [filter_]}]}
    assert wire(properties=sent)["properties"] == {"type": "AND", "values": [sent]}


@pytest.mark.parametrize(
    ("sent", "key", "operator"),
    [
        ({"$browser": "x"}, "$browser", "exact"),
        ({"age__gt": "x"}, "age", "gt"),
        ({"a__b__is_not": "x"}, "a__b", "is_not"),
        ({"my__prop": "x"}, "my__prop", "exact"),
    ],
)
def test_old_style_properties_name_the_operator_behind_two_underscores(
    sent: dict[str, str], key: str, operator: str
) -> None:
    (inner,) = wire(properties=sent)["properties"]["values"]
    assert inner["values"] == [{"key": key, "value": "x", "operator": operator, "type": "event"}]


@pytest.mark.parametrize(
    ("sent", "cleaned"),
    [
        ({"key": "k", "value": 1, "type": "events"}, {"key": "k", "value": 1, "type": "event"}),
        ({"key": "k", "values": [1, None]}, {"key": "k", "value": [1], "type": "event"}),
        (
            {"key": "k", "value": 4, "type": "static-cohort"},
            {"key": "id", "value": 4, "type": "cohort", "operator": "in"},
        ),
        (
            {"value": 4, "type": "precalculated-cohort", "operator": None},
            {"key": "id", "value": 4, "type": "cohort", "operator": "in"},
        ),
        (
            {"value": 4, "type": "cohort", "negation": True},
            {"key": "id", "value": 4, "type": "cohort", "operator": "not_in"},
        ),
        ({"key": "k", "value": None, "type": None}, {"key": "k", "type": "event"}),
        (
            {"key": "k", "value": "v", "type": "group", "group_type_index": "2"},
            {"key": "k", "value": "v", "type": "group", "group_type_index": 2},
        ),
    ],
)
def test_each_filter_is_cleaned(sent: dict[str, Any], cleaned: dict[str, Any]) -> None:
    (inner,) = wire(properties=[sent, None])["properties"]["values"]
    assert inner["values"] == [{"operator": "exact"} | cleaned]


def test_an_expression_has_no_operator() -> None:
    (inner,) = wire(properties=[{"key": "event = 'a'", "type": "hogql", "value": None}])[
        "properties"
    ]["values"]
    assert inner["values"] == [{"key": "event = 'a'", "type": "hogql"}]


def test_a_filter_without_a_key_is_left_out() -> None:
    assert "properties" not in wire(properties=[{"key": "", "value": 1}, {"key": None, "value": 1}])


def test_properties_that_are_no_filters_are_refused() -> None:
    assert refused(properties=[["k"]]) == ("properties", "Properties are unparsable!")
    assert refused(properties='"k"') == ("properties", "Properties are unparsable!")


# Plain fields


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (True, True),
        ("true", True),
        ("1", True),
        (1, True),
        ("false", False),
        (False, False),
        (0, False),
    ],
)
def test_truth_in_every_spelling(sent: Any, read: bool) -> None:
    assert legacy.convert({"filter_test_accounts": sent}).filterTestAccounts is read


def test_dates_go_into_the_date_range() -> None:
    query = legacy.convert({"date_from": "-30d", "date_to": "2024-01-01", "explicit_date": "true"})
    assert query.dateRange == DateRange(date_from="-30d", date_to="2024-01-01", explicitDate=True)
    assert legacy.convert({"date_from": "", "date_to": None}).dateRange is None


def test_an_interval_of_minutes_is_one_of_hours() -> None:
    sent = ["hour", "day", "week", "month", "minute", None, ""]
    read = [legacy.convert({"interval": one}).interval for one in sent]
    assert read == ["hour", "day", "week", "month", "hour", None, None]
    assert refused(interval="year")[0] == "interval"


@pytest.mark.parametrize(
    ("filters", "window"),
    [
        ({}, (None, None)),
        ({"funnel_window_interval": "7"}, (7, None)),
        ({"funnel_window_interval": 0}, (None, None)),
        ({"funnel_window_interval": ""}, (None, None)),
        ({"funnel_window_interval": 2, "funnel_window_interval_unit": "hour"}, (2, "hour")),
        ({"funnel_window_interval": 2, "funnel_window_interval_type": "week"}, (2, "week")),
        (
            {"funnel_window_interval_type": "week", "funnel_window_interval_unit": "hour"},
            (None, "hour"),
        ),
        ({"funnel_window_days": "3"}, (3, "day")),
        ({"funnel_window_days": 3, "funnel_window_interval": 5}, (5, None)),
    ],
)
def test_the_window_and_its_older_spellings(
    filters: dict[str, Any], window: tuple[int | None, str | None]
) -> None:
    read = funnel(**filters)
    assert (read.funnelWindowInterval, read.funnelWindowIntervalUnit) == window


def test_numbers_may_be_text_and_must_be_whole() -> None:
    read = funnel(funnel_from_step="0", funnel_to_step=2.0, bin_count="8")
    assert (read.funnelFromStep, read.funnelToStep, read.binCount) == (0, 2, 8)
    assert refused(bin_count="many") == ("bin_count", "A valid integer is required.")
    assert refused(funnel_from_step=1.5)[0] == "funnel_from_step"


def test_no_bins_are_automatic_ones() -> None:
    assert funnel(bin_count=0).binCount is None


def test_a_line_graph_is_a_trend_unless_the_type_says_otherwise() -> None:
    assert funnel(display="ActionsLineGraph").funnelVizType == "trends"
    assert funnel(display="ActionsLineGraph", funnel_viz_type="steps").funnelVizType == "steps"
    assert funnel(display="FunnelViz").funnelVizType is None


def test_a_choice_outside_the_list_is_refused() -> None:
    assert refused(funnel_order_type="random") == (
        "funnel_order_type",
        '"random" is not a valid choice.',
    )


def test_sampling_that_cannot_be_read_is_ignored() -> None:
    read = [
        legacy.convert({"sampling_factor": one}).samplingFactor for one in ("0.1", 1, "some", "")
    ]
    assert read == [0.1, 1.0, None, None]


def test_hidden_legend_keys_become_a_list_of_names() -> None:
    assert funnel(hidden_legend_keys={"a": True, "b": False}).hiddenLegendBreakdowns == ("a",)


def test_group_aggregation_and_expressions_are_passed_on() -> None:
    query = legacy.convert(
        {"aggregation_group_type_index": "0", "funnel_aggregate_by_hogql": "event"}
    )
    assert query.aggregation_group_type_index == 0
    assert query.funnel.funnelAggregateByHogQL == "event"


# Breakdowns


@pytest.mark.parametrize(
    ("filters", "breakdown", "type_"),
    [
        ({"breakdown": "k"}, "k", "event"),
        ({"breakdown": "k", "breakdown_type": "events"}, "k", "event"),
        ({"breakdown": "k", "breakdown_type": "person"}, "k", "person"),
        ({"breakdown": '["a", null, "b"]', "breakdown_type": "event"}, ("a", "b"), "event"),
        ({"breakdown": [1, "all"], "breakdown_type": "cohort"}, (1, "all"), "cohort"),
        ({"breakdown": "k", "breakdown_type": "undefined"}, "k", "event"),
        ({"breakdowns": [{"type": "person", "property": "k"}]}, "k", "person"),
        (
            {"breakdowns": [{"property": "a"}, {"type": "events", "property": "b"}]},
            ("a", "b"),
            "event",
        ),
        (
            {"breakdowns": '[{"type":"group","property":"a"},{"type":"group","property":3}]'},
            ("a", 3),
            "group",
        ),
        ({"breakdowns": [{"property": "a"}, {"property": None}]}, ("a",), "event"),
        ({"breakdowns": [], "breakdown": "k"}, "k", "event"),
    ],
)
def test_a_breakdown_and_its_type(filters: Any, breakdown: Any, type_: str) -> None:
    read = legacy.convert(filters).breakdownFilter
    assert read == BreakdownFilter(breakdown=breakdown, breakdown_type=type_)


def test_an_undefined_breakdown_is_none() -> None:
    assert legacy.convert({"breakdown_type": "undefined"}).breakdownFilter is None
    undefined = {"breakdown": ["k"], "breakdown_type": "undefined"}
    assert legacy.convert(undefined).breakdownFilter is None


def test_breakdowns_of_different_types_are_refused() -> None:
    two = [{"type": "event", "property": "a"}, {"type": "person", "property": "b"}]
    assert refused(breakdowns=two) == ("breakdowns", "Breakdowns must all be of one type.")
    assert refused(breakdowns=["a", "b"])[0] == "breakdowns"
    assert refused(breakdowns=[{"type": ["x"]}, {"type": {}}])[0] == "breakdowns"


def test_the_kind_is_told_by_insight_and_is_trends_without() -> None:
    assert legacy.insight_kind({"insight": "funnels"}) == "FUNNELS"
    assert legacy.insight_kind({"events": []}) == "TRENDS"
    assert legacy.insight_kind({"shown_as": "Stickiness", "insight": "TRENDS"}) == "STICKINESS"
