"""Query nodes from JSON: which are accepted, how they are read, how dashboards change them."""

from typing import Any

import msgspec
import pytest

from contracts.queries import overrides, reading
from contracts.queries.actors import ActorsQuery
from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy_actors import (
    convert_correlation,
    convert_correlation_people,
    convert_people,
)
from contracts.queries.nodes import (
    ActionsNode,
    DataWarehouseNode,
    EventsNode,
    FunnelCorrelationQuery,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    FunnelsActorsQuery,
    FunnelsQuery,
    GroupNode,
)
from contracts.queries.stored import check_query

STEPS = [{"kind": "EventsNode", "event": "a"}, {"kind": "EventsNode", "event": "b"}]
FUNNEL = {"kind": "FunnelsQuery", "series": STEPS}


def refused(document: Any) -> tuple[str | None, str]:
    with pytest.raises(InvalidQuery) as raised:
        reading.read(document)
    return raised.value.attr, raised.value.detail


@pytest.mark.parametrize("wrapper", ["InsightVizNode", "DataVisualizationNode", "DataTableNode"])
def test_a_query_is_read_inside_its_wrapper(wrapper: str) -> None:
    assert reading.read({"kind": wrapper, "source": FUNNEL}) == reading.read(FUNNEL)


def test_unknown_kinds_and_no_kinds_are_refused() -> None:
    assert refused({"kind": "MagicQuery"}) == ("query", "Query kind MagicQuery is not supported.")
    assert refused([])[0] == "query"
    assert refused({"kind": "InsightVizNode"})[0] == "query"


def test_a_query_wrapped_in_wrappers_without_end_is_refused() -> None:
    wrapped: Any = FUNNEL
    for _ in range(20):
        wrapped = {"kind": "InsightVizNode", "source": wrapped}
    with pytest.raises(InvalidQuery, match="wrapped too many times"):
        reading.read(wrapped)


def test_a_query_nested_without_end_is_refused() -> None:
    deep: Any = {"key": "a"}
    for _ in range(5_000):
        deep = {"type": "AND", "values": [deep]}
    with pytest.raises(InvalidQuery, match="nested too deeply"):
        reading.read(FUNNEL | {"properties": deep})


def test_what_is_no_entity_at_all_is_named_by_its_place() -> None:
    for series in (5, ["a"], [{"kind": 5}]):
        with pytest.raises(InvalidQuery) as refused:
            reading.read(FUNNEL | {"series": series})
        assert (refused.value.attr or "").startswith("query__series")


def test_kinds_that_are_only_stored_are_refused_when_run() -> None:
    assert refused({"kind": "RetentionQuery"}) == (
        "query",
        "A RetentionQuery cannot be computed here.",
    )
    wrapped = {"kind": "InsightVizNode", "source": {"kind": "RetentionQuery"}}
    assert reading.source(wrapped) == {"kind": "RetentionQuery"}


def test_unknown_members_are_ignored_and_numbers_may_be_text() -> None:
    filters = {"funnelWindowInterval": "5", "binCount": "", "useUdf": True, "goalLines": []}
    query = reading.node(
        FUNNEL | {"tags": {}, "version": 2, "funnelsFilter": filters}, FunnelsQuery
    )
    assert query.funnel.funnelWindowInterval == 5
    assert query.funnel.binCount is None


def test_null_members_are_as_good_as_absent() -> None:
    nulls = dict.fromkeys(
        ["interval", "dateRange", "properties", "breakdownFilter", "funnelsFilter"]
    )
    assert reading.read(FUNNEL | nulls) == reading.read(FUNNEL)


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("EventsNode", "ActionsNode"),
        ("FunnelExclusionEventsNode", "FunnelExclusionActionsNode"),
    ],
)
def test_an_exclusion_is_of_the_kind_that_it_extends_or_of_its_own(event: str, action: str) -> None:
    steps = {"funnelFromStep": 0, "funnelToStep": "1"}
    excluded = [{"kind": event, "event": "x", **steps}, {"kind": action, "id": 3, **steps}]
    query = reading.node(FUNNEL | {"funnelsFilter": {"exclusions": excluded}}, FunnelsQuery)
    assert query.funnel.exclusions == (
        FunnelExclusionEventsNode(event="x", funnelFromStep=0, funnelToStep=1),
        FunnelExclusionActionsNode(id=3, funnelFromStep=0, funnelToStep=1),
    )
    assert msgspec.to_builtins(query.funnel.exclusions)[1]["kind"] == "ActionsNode"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"event": "a"}, EventsNode(event="a")),
        ({}, EventsNode()),
        ({"id": 3}, ActionsNode(id=3)),
        ({"id": "a", "event": "a"}, EventsNode(event="a")),
        (
            {"nodes": [{"event": "a"}, {"id": 3}]},
            GroupNode(nodes=(EventsNode(event="a"), ActionsNode(id=3))),
        ),
        (
            {"table_name": "orders", "id": "orders"},
            DataWarehouseNode(id="orders", table_name="orders"),
        ),
    ],
)
def test_an_entity_without_a_kind_is_what_its_members_say(sent: Any, read: Any) -> None:
    assert reading.node(FUNNEL | {"series": [sent]}, FunnelsQuery).series == (read,)
    if not isinstance(read, GroupNode | DataWarehouseNode):
        excluded = {"exclusions": [sent | {"funnelFromStep": 0, "funnelToStep": 1}]}
        (exclusion,) = (
            reading.node(FUNNEL | {"funnelsFilter": excluded}, FunnelsQuery).funnel.exclusions or ()
        )
        assert type(exclusion).__name__ == f"FunnelExclusion{type(read).__name__}"


def test_nulls_written_out_by_generated_clients_stand_for_defaults() -> None:
    correlation = {
        "kind": "FunnelCorrelationQuery",
        "source": {"kind": "FunnelsActorsQuery", "source": FUNNEL, "funnelStep": None},
        "funnelCorrelationType": None,
    }
    query = reading.read(correlation)
    assert isinstance(query, FunnelCorrelationQuery)
    assert query.funnelCorrelationType == "events"


@pytest.mark.parametrize(
    ("document", "attr"),
    [
        ({"kind": "MagicQuery"}, "kind"),
        ({"series": []}, "kind"),
        ({"kind": "InsightVizNode"}, "source"),
        ({"kind": "InsightVizNode", "source": [FUNNEL]}, "source"),
        ({"kind": "InsightVizNode", "source": {"series": []}}, "source__kind"),
        ({"kind": "InsightVizNode", "source": {"kind": "MagicQuery"}}, "source__kind"),
        (FUNNEL | {"funnelsFilter": {"layout": 3}}, "funnelsFilter__layout"),
        (
            {"kind": "InsightVizNode", "source": FUNNEL | {"series": 3}},
            "source__series",
        ),
    ],
)
def test_a_query_is_stored_only_when_it_can_be_read(document: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        check_query(msgspec.Raw(msgspec.json.encode(document)))
    assert raised.value.attr == attr


@pytest.mark.parametrize("kind", ["RetentionQuery", "HogQLQuery", "ActorsQuery"])
def test_of_other_kinds_only_the_kind_is_checked(kind: str) -> None:
    check_query(msgspec.Raw(msgspec.json.encode({"kind": kind, "source": 3, "series": 3})))


def test_a_member_of_the_wrong_type_is_named() -> None:
    attr, _ = refused(FUNNEL | {"funnelsFilter": {"funnelVizType": "pie"}})
    assert attr == "query__funnelsFilter__funnelVizType"
    attr, _ = refused(FUNNEL | {"series": [{"kind": "EventsNode", "event": 5}]})
    assert attr == "query__series__0__event"


def test_a_group_node_holds_nodes() -> None:
    query = reading.node(FUNNEL | {"series": [{"kind": "GroupNode", "nodes": STEPS}]}, FunnelsQuery)
    assert query.series == (GroupNode(nodes=(EventsNode(event="a"), EventsNode(event="b"))),)


def test_correlation_and_actors_are_read() -> None:
    actors = {"kind": "FunnelsActorsQuery", "source": FUNNEL, "funnelStep": -2}
    assert isinstance(reading.read({"kind": "ActorsQuery", "source": actors}), ActorsQuery)
    correlation = {"kind": "FunnelCorrelationQuery", "source": actors}
    assert isinstance(reading.read(correlation), FunnelCorrelationQuery)


# The people and correlation doors


def test_the_people_of_steps_need_a_step() -> None:
    query = convert_people(
        {"events": [{"id": "a"}], "funnel_step": "-2", "funnel_step_breakdown": '["x"]'}
    )
    assert isinstance(query, FunnelsActorsQuery)
    assert (query.funnelStep, query.funnelStepBreakdown) == (-2, ("x",))
    with pytest.raises(InvalidQuery) as raised:
        convert_people({})
    assert (raised.value.attr, raised.value.code) == ("funnel_step", "required")


@pytest.mark.parametrize("step", [0, -1])
def test_steps_nobody_can_have_dropped_at_are_refused(step: int) -> None:
    with pytest.raises(
        InvalidQuery, match="The first valid drop-off argument for funnelStep is -2"
    ):
        convert_people({"funnel_step": step})


def test_the_people_of_trends_need_a_period_and_a_side() -> None:
    filters = {
        "funnel_viz_type": "trends",
        "entrance_period_start": "2024-01-01",
        "drop_off": "false",
    }
    query = convert_people(filters)
    assert query.funnelTrendsDropOff is False
    with pytest.raises(InvalidQuery) as raised:
        convert_people({"funnel_viz_type": "trends", "drop_off": True})
    assert raised.value.attr == "entrance_period_start"


@pytest.mark.parametrize(
    ("breakdown", "read"),
    [("", ""), ("x", "x"), (7, 7), ('["a","b"]', ("a", "b")), (["a"], ("a",)), (None, None)],
)
def test_a_rows_breakdown_value_is_text_json_or_an_id(breakdown: Any, read: Any) -> None:
    query = convert_people({"funnel_step": 1, "funnel_step_breakdown": breakdown})
    assert query.funnelStepBreakdown == read


def test_correlation_says_what_it_misses() -> None:
    query = convert_correlation({"funnel_correlation_exclude_event_names": '["x"]'})
    assert query.funnelCorrelationExcludeEventNames == ("x",)
    with pytest.raises(InvalidQuery, match="expects atleast one Property to run"):
        convert_correlation({"funnel_correlation_type": "properties"})
    with pytest.raises(InvalidQuery, match="expects atleast one event name to run"):
        convert_correlation({"funnel_correlation_type": "event_with_properties"})


def test_the_people_of_a_correlation_need_an_entity() -> None:
    sent = {"funnel_correlation_person_entity": '{"id": "x", "type": "events"}'}
    query = convert_correlation_people(sent | {"funnel_correlation_person_converted": "true"})
    assert query.funnelCorrelationPersonEntity == EventsNode(event="x", name="x")
    assert query.funnelCorrelationPersonConverted is True
    with pytest.raises(InvalidQuery, match="No entity for persons specified"):
        convert_correlation_people({})


# Overrides


def over(document: dict[str, Any], **filters: Any) -> Any:
    return overrides.over_query(document, overrides.read(filters))


def test_either_date_replaces_both() -> None:
    dated = FUNNEL | {"dateRange": {"date_from": "-7d", "date_to": "-1d", "explicitDate": True}}
    assert over(dated, date_from="-30d")["dateRange"] == {
        "date_from": "-30d",
        "date_to": None,
        "explicitDate": True,
    }
    assert over(dated, properties=[])["dateRange"] == dated["dateRange"]


def test_properties_are_added_to_those_of_the_query() -> None:
    k, j = ({"key": key, "value": 1, "operator": "exact", "type": "event"} for key in "kj")
    assert over(FUNNEL, properties=[k])["properties"] == [k]
    either = {"type": "OR", "values": [k, j]}
    assert over(FUNNEL, properties=either)["properties"] == either
    assert over(FUNNEL | {"properties": [j]}, properties=[k])["properties"] == {
        "type": "AND",
        "values": [{"type": "AND", "values": [j]}, {"type": "AND", "values": [k]}],
    }


def test_a_breakdown_filter_replaces_the_breakdown() -> None:
    broken_down = FUNNEL | {"breakdownFilter": {"breakdown": "a"}}
    changed = over(broken_down, breakdown_filter={"breakdown": "b", "breakdown_type": "person"})
    assert changed["breakdownFilter"] == {"breakdown": "b", "breakdown_type": "person"}


def test_overrides_reach_the_innermost_source_and_leave_the_stored_query_alone() -> None:
    wrapped = {"kind": "InsightVizNode", "source": FUNNEL, "full": True}
    changed = over(wrapped, date_from="-1d")
    assert changed["source"]["dateRange"]["date_from"] == "-1d"
    assert changed["full"] is True
    assert "dateRange" not in FUNNEL
    assert isinstance(reading.read(changed), FunnelsQuery)


def test_legacy_filters_are_overridden_in_their_own_words() -> None:
    filters = {"date_from": "-7d", "breakdown": "a", "breakdown_attribution_type": "last_touch"}
    given = overrides.read({"date_to": "-1d", "breakdown_filter": {"breakdown": "b"}})
    assert overrides.over_filters(filters, given) == {
        "date_from": None,
        "date_to": "-1d",
        "breakdown": "b",
        "breakdown_attribution_type": "last_touch",
    }


def test_the_funnel_inside_a_correlation_gets_them() -> None:
    actors = {"kind": "FunnelsActorsQuery", "source": FUNNEL}
    changed = over({"kind": "FunnelCorrelationQuery", "source": actors}, date_from="-30d")
    assert "dateRange" not in changed.keys() | changed["source"].keys()
    assert changed["source"]["source"]["dateRange"]["date_from"] == "-30d"
