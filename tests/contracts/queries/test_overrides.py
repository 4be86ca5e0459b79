"""Filters of a dashboard over a query: each kind reads its dates and properties elsewhere."""

from typing import Any

import pytest

from contracts.queries.overrides import over_query, read

OWN = {"key": "plan", "value": "free", "operator": "exact", "type": "event"}
THEIRS = {"key": "country", "value": "NL", "operator": "exact", "type": "event"}
DATES = {"date_from": "-180d", "date_to": None}
FILTERS = {"date_from": "-180d", "properties": [THEIRS]}


def over(document: dict[str, Any], filters: dict[str, Any] = FILTERS) -> Any:
    return over_query(document, read(filters))


def test_an_insight_has_its_dates_replaced_and_all_properties_joined() -> None:
    before = {"date_from": "-3d", "date_to": "-1d", "explicitDate": True}
    changed = over({"kind": "TrendsQuery", "dateRange": before, "properties": [OWN]})
    assert changed["dateRange"] == {"explicitDate": True, **DATES}
    assert [group["values"] for group in changed["properties"]["values"]] == [[OWN], [THEIRS]]


@pytest.mark.parametrize("wrapper", ["DataTableNode", "DataVisualizationNode"])
def test_sql_has_both_in_its_filters(wrapper: str) -> None:
    filters = {"dateRange": {"date_from": "-3d"}, "properties": [OWN]}
    source = {"kind": "HogQLQuery", "query": "select 1", "filters": filters}
    changed = over({"kind": wrapper, "source": source})
    expected = {"dateRange": DATES, "properties": [OWN, THEIRS]}
    assert changed == {"kind": wrapper, "source": {**source, "filters": expected}}


def test_sql_that_had_no_filters_gets_them_and_is_else_left_alone() -> None:
    source = {"kind": "HogQLQuery", "query": "select 1", "filters": None}
    assert over(source, {"date_from": "-180d"})["filters"] == {"dateRange": DATES}
    assert over(source, {"breakdown_filter": {"breakdown": "plan"}}) == source


def test_events_keep_their_bounds_under_properties_alone() -> None:
    query = {"kind": "EventsQuery", "after": "-3d", "properties": [OWN]}
    assert over(query, {"properties": [THEIRS]}) == {**query, "properties": [OWN, THEIRS]}


def test_events_are_after_and_before_and_their_properties_are_a_list() -> None:
    changed = over({"kind": "EventsQuery", "select": ["uuid"], "after": "-3d"})
    assert changed == {
        "kind": "EventsQuery",
        "select": ["uuid"],
        "after": "-180d",
        "before": None,
        "properties": [THEIRS],
    }
