"""What is passed over in silence is said when asked for."""

from contracts.queries import ignored, legacy, reading
from contracts.queries.nodes import FunnelsQuery


def test_legacy_filters_say_what_their_conversion_leaves_out() -> None:
    assert ignored.of_filters(
        {
            "events": '["a", {"id": "b", "math": "dau"}, {"id": "c"}]',
            "actions": [{"name": "x"}],
            "sampling_factor": "some",
            "compare": True,
        }
    ) == [
        "events[0] is not an object and was left out.",
        "events[1]: math 'dau' has no effect on funnels.",
        "actions[0] has no id and was left out.",
        "sampling_factor is not a number and was ignored.",
        "compare has no effect on a legacy funnel.",
    ]


def test_a_query_says_what_it_names_without_effect() -> None:
    query = reading.node(
        {
            "kind": "FunnelsQuery",
            "series": [{"kind": "EventsNode", "event": "a", "math": "total"}],
            "properties": [{"key": "k", "value": []}, {"key": "j", "operator": "is_set"}],
            "breakdownFilter": {"breakdown": "k"},
            "funnelsFilter": {"funnelVizType": "time_to_convert"},
        },
        FunnelsQuery,
    )
    assert ignored.of_query(query) == [
        "properties: the filter on 'k' has no value and was ignored.",
        "series[0]: math 'total' has no effect on funnels.",
        "A breakdown has no effect on time to convert.",
    ]


def test_groups_tables_and_breakdowns_say_it_too() -> None:
    event = {"kind": "EventsNode", "event": "a", "math": "dau"}
    empty = {"type": "AND", "values": [{"key": "k"}, {"type": "hogql", "key": "1"}]}
    query = reading.node(
        {
            "kind": "FunnelsQuery",
            "series": [
                {"kind": "GroupNode", "nodes": [event]},
                {"kind": "DataWarehouseNode", "id": "x", "table_name": "t"},
            ],
            "properties": {"type": "OR", "values": [empty]},
            "breakdownFilter": {
                "breakdown": [1],
                "breakdown_type": "cohort",
                "breakdown_hide_other_aggregation": True,
            },
            "funnelsFilter": {"breakdownAttributionType": "last_touch"},
        },
        FunnelsQuery,
    )
    assert ignored.of_query(query) == [
        "properties: the filter on 'k' has no value and was ignored.",
        "series[0]: the math of a group's events has no effect.",
        "breakdown_hide_other_aggregation has no effect on funnels.",
        "An attribution has no effect on a breakdown by cohort.",
    ]
    assert ignored.of_members(["series[0].odd"]) == ["series[0].odd has no effect."]


def test_a_request_without_surplus_has_nothing_to_say() -> None:
    filters = {"events": [{"id": "a"}, {"id": "b"}], "date_from": "-7d"}
    assert ignored.of_filters(filters) == []
    assert ignored.of_query(legacy.convert(filters)) == []
