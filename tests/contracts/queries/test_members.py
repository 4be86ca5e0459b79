"""A misspelled member of a query is refused with the nearest name."""

from typing import Any

import msgspec
import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.known import PASSED_OVER
from contracts.queries.members import check_members, check_overrides
from contracts.queries.stored import check_query

STEPS = [{"kind": "EventsNode", "event": "a"}, {"kind": "EventsNode", "event": "b"}]
FUNNEL: dict[str, Any] = {"kind": "FunnelsQuery", "series": STEPS}
ACTORS = {"kind": "FunnelsActorsQuery", "source": FUNNEL, "funnelStep": 1}
BARRED = {"kind": "EventsNode", "event": "x", "funnelFromStep": 0, "funnelToStep": 1}


def refused(document: Any, attr: str | None = "query") -> tuple[str | None, str]:
    with pytest.raises(InvalidQuery) as raised:
        check_members(document, attr)
    assert raised.value.code == "invalid_input"
    return raised.value.attr, raised.value.detail


@pytest.mark.parametrize(
    ("wrong", "attr", "meant"),
    [
        (
            {"funnelsFilter": {"funnel_order_type": "strict"}},
            "funnelsFilter__funnel_order_type",
            "funnelOrderType",
        ),
        (
            {"funnelsFilter": {"funnelWindowIntervl": 1}},
            "funnelsFilter__funnelWindowIntervl",
            "funnelWindowInterval",
        ),
        (
            {"funnelsFilter": {"exclusions": [BARRED | {"funnel_from_step": 0}]}},
            "funnelsFilter__exclusions__0__funnel_from_step",
            "funnelFromStep",
        ),
        ({"funnelsFilter": {"showLegnd": True}}, "funnelsFilter__showLegnd", "showLegend"),
        ({"dateRange": {"from": "-1d"}}, "dateRange__from", "date_from"),
        ({"dateRange": {"dateTo": "-1d"}}, "dateRange__dateTo", "date_to"),
        (
            {"breakdownFilter": {"breakdown_typ": "event"}},
            "breakdownFilter__breakdown_typ",
            "breakdown_type",
        ),
        (
            {"breakdownFilter": {"breakdowns": [{"proprety": "x"}]}},
            "breakdownFilter__breakdowns__0__proprety",
            "property",
        ),
        ({"compareFilter": {"compareTo": "-1w"}}, "compareFilter__compareTo", "compare_to"),
        ({"funnelWindowInterval": 1}, "funnelWindowInterval", "funnelsFilter.funnelWindowInterval"),
        ({"date_from": "-1d"}, "date_from", "dateRange.date_from"),
        ({"breakdown": "plan"}, "breakdown", "breakdownFilter.breakdown"),
        ({"filter_test_accounts": True}, "filter_test_accounts", "filterTestAccounts"),
        ({"events": []}, "events", "series"),
        ({"series": [{"kind": "EventsNode", "evnt": "one"}]}, "series__0__evnt", "event"),
        ({"series": [{"evnt": "one"}]}, "series__0__evnt", "event"),
        ({"series": [{"kind": "EventsNode", "id": "one"}]}, "series__0__id", "event"),
        (
            {"series": [{"kind": "ActionsNode", "id": 1, "propertys": []}]},
            "series__0__propertys",
            "properties",
        ),
        (
            {"series": [{"kind": "GroupNode", "nodes": [{"event": "a", "optional": True}]}]},
            "series__0__nodes__0__optional",
            "optionalInFunnel",
        ),
        ({"properties": [{"key": "plan", "vlaue": "pro"}]}, "properties__0__vlaue", "value"),
        (
            {"properties": [{"kye": "plan", "value": "pro", "type": "event"}]},
            "properties__0__kye",
            "key",
        ),
        (
            {
                "properties": {
                    "type": "AND",
                    "values": [{"type": "OR", "values": [{"key": "a", "oprator": "exact"}]}],
                }
            },
            "properties__values__0__values__0__oprator",
            "operator",
        ),
        (
            {"series": [{"event": "a", "fixedProperties": [{"key": "a", "groupTypeIndex": 1}]}]},
            "series__0__fixedProperties__0__groupTypeIndex",
            "group_type_index",
        ),
    ],
)
def test_a_misspelled_member_is_refused_with_the_nearest_name(
    wrong: dict[str, Any], attr: str, meant: str
) -> None:
    told = f"There is no member {attr.rpartition('__')[2]} here. Did you mean {meant}?"
    assert refused(FUNNEL | wrong) == (f"query__{attr}", told)


@pytest.mark.parametrize(
    ("document", "attr"),
    [
        (ACTORS | {"funnel_step": 1}, "funnel_step"),
        ({"kind": "ActorsQuery", "source": ACTORS, "order_by": ["id"]}, "order_by"),
        ({"kind": "ActorsQuery", "source": ACTORS | {"dropOff": True}}, "source__dropOff"),
        (
            {"kind": "FunnelCorrelationQuery", "source": ACTORS, "funnelCorrelationName": ["x"]},
            "funnelCorrelationName",
        ),
        (
            {
                "kind": "FunnelCorrelationActorsQuery",
                "source": {"kind": "FunnelCorrelationQuery", "source": ACTORS},
                "funnelCorrelationPersonEntity": {"kind": "EventsNode", "name_": "x"},
            },
            "funnelCorrelationPersonEntity__name_",
        ),
        (ACTORS | {"source": FUNNEL | {"intervall": "day"}}, "source__intervall"),
    ],
)
def test_every_kind_that_is_computed_is_looked_at_wherever_it_stands(
    document: dict[str, Any], attr: str
) -> None:
    assert refused(document)[0] == f"query__{attr}"


def test_what_is_like_nothing_is_told_what_there_is() -> None:
    _, told = refused(FUNNEL | {"compareFilter": {"xyzzy": 1}})
    assert told == "There is no member xyzzy here. There are: compare, compare_to."


def test_a_null_says_nothing_whatever_it_is_called() -> None:
    assert check_members(FUNNEL | {"tomorrow": None, "dateRange": {"from": None}}) == []


def test_what_generated_clients_write_out_is_taken_in_silence() -> None:
    node: dict[str, Any] = {
        "math": None,
        "math_property": None,
        "limit": None,
        "orderBy": [],
        "response": None,
    }
    written = FUNNEL | {
        "version": 2,
        "tags": {"productKey": "x"},
        "response": {"results": []},
        "series": [step | node for step in STEPS],
        "funnelsFilter": {"useUdf": False, "goalLines": [], "resultCustomizations": {}},
        "properties": {"type": "AND", "values": []},
        "modifiers": {},
    }
    assert check_members(written) == []


def test_what_is_known_and_passed_over_is_told() -> None:
    filter_ = {"key": "plan", "value": "pro", "label": "Plan", "time_value": 3}
    document = FUNNEL | {
        "modifiers": {"debug": True},
        "dataColorTheme": 3,
        "dateRange": {"date_from": "-7d", "excludeIncompletePeriods": True},
        "breakdownFilter": {"breakdown": "p", "breakdown_path_cleaning": True},
        "funnelsFilter": {"showLegend": True, "exclusions": [BARRED | {"limit": 3}]},
        "series": [STEPS[0] | {"math_hogql": "1", "properties": [filter_]}, STEPS[1]],
    }
    assert check_members(document) == [
        "modifiers",
        "dataColorTheme",
        "series[0].math_hogql",
        "series[0].properties[0].time_value",
        "dateRange.excludeIncompletePeriods",
        "breakdownFilter.breakdown_path_cleaning",
        "funnelsFilter.showLegend",
        "funnelsFilter.exclusions[0].limit",
    ]


@pytest.mark.parametrize("node", PASSED_OVER)
def test_what_is_read_is_not_passed_over(node: Any) -> None:
    kinds = {"EventsNode", "ActionsNode", "GroupNode"}
    read = set(node.__struct_fields__)
    if node.__name__ not in kinds and not node.__name__.startswith("FunnelExclusion"):
        assert not read & PASSED_OVER[node]


def test_names_of_properties_are_no_members() -> None:
    old = {"$browser": "Chrome", "age__gt": 5}
    assert check_members(FUNNEL | {"properties": old}) == []
    assert check_members(FUNNEL | {"properties": [old]}) == []


def test_a_series_of_a_warehouse_keeps_its_own_refusal() -> None:
    table = {"kind": "FunnelsDataWarehouseNode", "table_name": "t", "aggregation_target_field": "x"}
    assert check_members(FUNNEL | {"series": [table]}) == []


def test_kinds_that_are_not_computed_are_not_looked_into() -> None:
    assert check_members({"kind": "RetentionQuery", "seris": 3}) == []


def test_deep_filters_are_a_refusal() -> None:
    deep: Any = {"key": "a"}
    for _ in range(3000):
        deep = {"type": "AND", "values": [deep]}
    assert refused(FUNNEL | {"properties": deep})[0] == "query"
    with pytest.raises(InvalidQuery, match="Filters are nested too deeply"):
        check_overrides({"properties": deep})


@pytest.mark.parametrize(
    ("sent", "attr"),
    [
        ({"dateFrom": "-1d"}, "dateFrom"),
        ({"properties": [{"key": "a", "vlaue": 1}]}, "properties__0__vlaue"),
        ({"breakdown_filter": {"breakdwn": "x"}}, "breakdown_filter__breakdwn"),
    ],
)
def test_filters_laid_over_a_query_are_looked_at_alike(sent: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        check_overrides(sent)
    assert raised.value.attr == f"filters_override__{attr}"
    assert check_overrides(None) == []
    assert check_overrides({"date_from": "-7d", "explicitDate": True}) == [
        "filters_override.explicitDate"
    ]


@pytest.mark.parametrize(("wrapper", "at"), [(None, ""), ("InsightVizNode", "source__")])
def test_a_misspelled_query_is_not_stored(wrapper: str | None, at: str) -> None:
    document = FUNNEL | {"dateRange": {"from": "-1d"}}
    sent = document if wrapper is None else {"kind": wrapper, "source": document}
    with pytest.raises(InvalidQuery) as raised:
        check_query(msgspec.Raw(msgspec.json.encode(sent)))
    assert raised.value.attr == f"{at}dateRange__from"
