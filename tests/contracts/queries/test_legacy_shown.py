"""The node that legacy filters mean, whatever kind of insight they describe."""

from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.counted import CountedActionsNode, CountedEventsNode
from contracts.queries.errors import InvalidQuery
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import CompareFilter
from contracts.queries.of_insights import viz_node
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import (
    TrendsBreakdownFilter,
    TrendsBreakdownItem,
    TrendsFilter,
    TrendsQuery,
)


def source(**filters: Any) -> Any:
    shown = viz_node(filters)
    assert shown is not None
    assert shown["kind"] == "InsightVizNode"
    return shown["source"]


def test_no_filters_show_no_node() -> None:
    assert viz_node({}) is None


def test_a_funnel_is_converted_whole() -> None:
    assert source(insight="FUNNELS", events=[{"id": "a"}], date_from="-7d", bin_count=3) == {
        "kind": "FunnelsQuery",
        "series": [{"kind": "EventsNode", "event": "a", "name": "a"}],
        "dateRange": {"date_from": "-7d"},
        "funnelsFilter": {"binCount": 3},
    }


@pytest.mark.parametrize(
    ("filters", "kind"),
    [
        ({"events": []}, "TrendsQuery"),
        ({"insight": None}, "TrendsQuery"),
        ({"insight": "TRENDS"}, "TrendsQuery"),
        ({"insight": "SESSIONS"}, "TrendsQuery"),
        ({"insight": "RETENTION"}, "RetentionQuery"),
        ({"insight": "PATHS"}, "PathsQuery"),
        ({"insight": "STICKINESS"}, "StickinessQuery"),
        ({"insight": "TRENDS", "shown_as": "Stickiness"}, "StickinessQuery"),
        ({"insight": "LIFECYCLE"}, "LifecycleQuery"),
        ({"insight": "TRENDS", "shown_as": "Lifecycle"}, "LifecycleQuery"),
        ({"insight": "TRENDS", "shown_as": "Volume"}, "TrendsQuery"),
    ],
)
def test_a_kind_has_its_query(filters: dict[str, Any], kind: str) -> None:
    assert source(**filters)["kind"] == kind


@pytest.mark.parametrize("insight", ["TRENDS", "RETENTION", "PATHS", "STICKINESS", "LIFECYCLE"])
def test_dates_filters_and_sampling_are_read_as_a_funnels(insight: str) -> None:
    shown = source(
        insight=insight,
        date_from="-14d",
        date_to="-1d",
        properties=[{"key": "plan", "value": "free"}],
        filter_test_accounts="true",
        sampling_factor="0.1",
        bin_count=3,
    )
    plan = {"key": "plan", "value": "free", "operator": "exact", "type": "event"}
    assert shown["dateRange"] == {"date_from": "-14d", "date_to": "-1d"}
    assert shown["properties"]["values"] == [{"type": "AND", "values": [plan]}]
    assert (shown["filterTestAccounts"], shown["samplingFactor"]) == (True, 0.1)
    assert "funnelsFilter" not in shown


def test_trends_keep_their_mathematics_and_their_order() -> None:
    shown = source(
        insight="TRENDS",
        interval="minute",
        aggregation_group_type_index=0,
        events=[
            {"id": "paid", "order": 2, "math": "sum", "math_property": "amount"},
            {"id": "seen", "order": 1, "math": "unique_group", "math_group_type_index": 0},
            {"id": None, "order": 3, "math": "hogql", "math_hogql": "max(properties.n)"},
        ],
        actions=[{"id": 7, "order": 0, "math": "dau", "custom_name": "Signed up"}],
        data_warehouse=[{"id": "orders", "order": 4, "table_name": "orders", "id_field": "n"}],
    )
    assert shown["series"] == [
        {"kind": "ActionsNode", "id": 7, "custom_name": "Signed up", "math": "dau"},
        {
            "kind": "EventsNode",
            "event": "seen",
            "name": "seen",
            "math": "unique_group",
            "math_group_type_index": 0,
        },
        {
            "kind": "EventsNode",
            "event": "paid",
            "name": "paid",
            "math": "sum",
            "math_property": "amount",
        },
        {"kind": "EventsNode", "math": "hogql", "math_hogql": "max(properties.n)"},
        {
            "kind": "DataWarehouseNode",
            "id": "orders",
            "table_name": "orders",
            "id_field": "n",
        },
    ]
    assert (shown["interval"], shown["aggregation_group_type_index"]) == ("hour", 0)


def test_trends_keep_their_look_and_what_they_compare_with() -> None:
    shown = source(
        insight="TRENDS",
        display="ActionsBarValue",
        formula="A / B",
        compare=True,
        compare_to="-1w",
        show_legend=False,
        decimal_places=None,
        hidden_legend_keys={"0": True, "1": False, "2": True, "Chrome": True},
    )
    assert shown["trendsFilter"] == {
        "display": "ActionsBarValue",
        "formula": "A / B",
        "showLegend": False,
        "hiddenLegendIndexes": [0, 2],
    }
    assert shown["compareFilter"] == {"compare": True, "compare_to": "-1w"}
    assert "trendsFilter" not in source(insight="TRENDS", display="FunnelViz")


def test_trends_have_a_breakdown_or_up_to_three() -> None:
    one = source(breakdown="$browser", breakdown_limit="5", breakdown_histogram_bin_count=4)
    assert one["breakdownFilter"] == {
        "breakdown": "$browser",
        "breakdown_type": "event",
        "breakdown_limit": 5,
        "breakdown_histogram_bin_count": 4,
    }
    sent = [{"property": name, "normalize_url": None} for name in "abcd"]
    several = source(breakdowns=[{"property": "p", "type": "person"}, "x", *sent])
    assert several["breakdownFilter"] == {
        "breakdowns": [
            {"type": "person", "property": "p"},
            {"type": "event", "property": "a"},
            {"type": "event", "property": "b"},
        ]
    }


@pytest.mark.parametrize(
    ("math", "shown"),
    [("total", "dau"), ("avg", "dau"), ("weekly_active", "weekly_active"), (None, None)],
)
def test_stickiness_counts_actors(math: str | None, shown: str | None) -> None:
    found = source(insight="STICKINESS", events=[{"id": "a", "math": math}], show_legend=True)
    assert found["series"][0].get("math") == shown
    assert found["stickinessFilter"] == {"showLegend": True}


def test_a_lifecycle_has_no_mathematics() -> None:
    shown = source(
        insight="LIFECYCLE",
        events=[{"id": "a", "math": "total"}],
        toggledLifecycles=["new", "dormant"],
        aggregation_group_type_index=0,
    )
    assert shown == {
        "kind": "LifecycleQuery",
        "series": [{"kind": "EventsNode", "event": "a", "name": "a"}],
        "aggregation_group_type_index": 0,
        "lifecycleFilter": {"toggledLifecycles": ["new", "dormant"]},
    }


def test_retention_tells_what_is_come_back_to() -> None:
    entity = {"id": "$pageview", "type": "events", "order": None, "uuid": "x"}
    shown = source(
        insight="RETENTION",
        retention_type="retention_first_time",
        total_intervals=9,
        period="Week",
        show_mean=False,
        target_entity=entity,
        returning_entity={"id": 1, "type": "actions", "name": "Paid"},
        events=[{"id": "a"}],
    )
    assert shown == {
        "kind": "RetentionQuery",
        "retentionFilter": {
            "retentionType": "retention_first_time",
            "totalIntervals": 9,
            "period": "Week",
            "meanRetentionCalculation": "none",
            "returningEntity": {"id": 1, "type": "actions", "name": "Paid"},
            "targetEntity": {"id": "$pageview", "type": "events"},
        },
    }


def test_paths_keep_their_ends_and_the_funnel_around_them() -> None:
    funnel = {"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b"}], "funnel_step": 2}
    shown = source(
        insight="PATHS",
        include_event_types=["$pageview"],
        start_point="/",
        edge_limit=50,
        funnel_paths="funnel_path_between_steps",
        funnel_filter=funnel,
    )
    assert shown["pathsFilter"] == {
        "includeEventTypes": ["$pageview"],
        "startPoint": "/",
        "edgeLimit": 50,
    }
    around = shown["funnelPathsFilter"]
    assert (around["funnelPathType"], around["funnelStep"]) == ("funnel_path_between_steps", 2)
    assert [step["event"] for step in around["funnelSource"]["series"]] == ["a", "b"]
    assert "funnelPathsFilter" not in source(insight="PATHS", funnel_filter={})


@pytest.mark.parametrize(
    "stored",
    [
        {"insight": "LIFECYCLE"},
        '{"insight": "LIFECYCLE"}',
        '"{\\"insight\\": \\"LIFECYCLE\\"}"',
        [{"insight": "LIFECYCLE"}],
    ],
)
def test_filters_are_borne_in_every_shape_they_were_stored_in(stored: Any) -> None:
    shown = viz_node(stored)
    assert shown is not None
    assert shown["source"]["kind"] == "LifecycleQuery"


@pytest.mark.parametrize("stored", [7, True, "7", "not JSON", [{}, {}], [[[[[[{}]]]]]]])
def test_other_shapes_are_no_filters(stored: Any) -> None:
    with pytest.raises(InvalidQuery):
        viz_node(stored)


def test_blank_fields_say_nothing() -> None:
    assert source(
        events=[{"id": "a", "math": "", "math_property": "", "math_group_type_index": ""}],
        formula="",
        smoothing_intervals="",
        compare="",
        breakdown="",
        display="",
    ) == {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "a", "name": "a"}]}


def test_a_list_of_one_property_is_that_property_but_cohorts_stay_a_list() -> None:
    one = source(breakdown=["$browser"], breakdown_type="event")["breakdownFilter"]
    assert one["breakdown"] == "$browser"
    cohorts = source(breakdown=[3], breakdown_type="cohort")["breakdownFilter"]
    assert cohorts["breakdown"] == [3]


def test_what_is_shown_of_trends_decodes_as_trends() -> None:
    shown = source(
        events=[
            {
                "id": "paid",
                "math": "sum",
                "math_property": "amount",
                "math_property_type": "person_properties",
                "math_group_type_index": "2",
            }
        ],
        interval="week",
        compare="true",
        compare_to="-1m",
        formula="A*2",
        smoothing_intervals="7",
        breakdowns='[{"property": "age", "histogram_bin_count": "4"}]',
        display="SlopeGraph",
    )
    assert reading.node(shown, TrendsQuery) == TrendsQuery(
        series=(
            CountedEventsNode(
                event="paid",
                name="paid",
                math="sum",
                math_property="amount",
                math_property_type="person_properties",
                math_group_type_index=2,
            ),
        ),
        interval="week",
        breakdownFilter=TrendsBreakdownFilter(
            breakdowns=(TrendsBreakdownItem(property="age", type="event", histogram_bin_count=4),)
        ),
        compareFilter=CompareFilter(compare=True, compare_to="-1m"),
        trendsFilter=TrendsFilter(display="SlopeGraph", formula="A*2", smoothingIntervals=7),
    )


def test_what_is_shown_of_the_others_decodes_as_they_are() -> None:
    actors = source(insight="STICKINESS", actions=[{"id": "7", "math": "sum"}], compare=True)
    assert reading.node(actors, StickinessQuery) == StickinessQuery(
        series=(CountedActionsNode(id=7, math="dau"),), compareFilter=CompareFilter(compare=True)
    )
    alive = source(insight="LIFECYCLE", events=[{"id": None, "math": "first_time_for_user"}])
    assert reading.node(alive, LifecycleQuery) == LifecycleQuery(series=(CountedEventsNode(),))


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidQuery):
        viz_node({"insight": "TRENDS", "events": 7})
