"""What an insight asks: stored as a node or as legacy filters, alone or under other filters."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import FunnelsQuery
from contracts.queries.of_insights import (
    LONGEST_REMEMBERED,
    insight_key,
    kind_of,
    overridden,
    query_of,
    seen_under,
    viz_node,
)
from contracts.queries.overrides import NO_OVERRIDES, Overrides, of_dashboard, over_filters, read
from contracts.read_models.insight import InsightRow
from domain.insight.view import view
from tests.examples import FUNNEL, insight_history

LEGACY: dict[str, Any] = {"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b", "order": 1}]}
LAST_WEEK = Overrides(date_from="-7d")
UNREADABLE: dict[str, Any] = {**LEGACY, "properties": 5}


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def insight(**fields: Any) -> InsightRow:
    row = view(insight_history(**fields))
    assert row is not None
    return row


def test_a_node_and_filters_ask_the_same() -> None:
    for row in (insight(query=FUNNEL), insight(filters=raw(LEGACY))):
        assert isinstance(query_of(row), FunnelsQuery)
        found = kind_of(row)
        assert found is not None
        assert found.name == "FunnelsQuery"
        assert insight_key(row) is not None


def test_what_asks_for_nothing_has_no_query_and_no_result() -> None:
    row = insight()
    assert (query_of(row), insight_key(row), viz_node({})) == (None, None, None)
    assert overridden(row, LAST_WEEK) == row


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"query": raw({"kind": "HogQLQuery", "query": "select 1"})}, "cannot be computed here"),
        ({"filters": raw({"insight": "PATHS"})}, "cannot be computed here"),
        (
            {
                "query": raw(
                    {
                        "kind": "FunnelsActorsQuery",
                        "funnelStep": 1,
                        "source": {"kind": "FunnelsQuery", "series": []},
                    }
                )
            },
            "is not computed for an insight",
        ),
    ],
)
def test_what_is_not_computed_for_an_insight_has_no_result(
    fields: dict[str, Any], detail: str
) -> None:
    row = insight(**fields)
    with pytest.raises(InvalidQuery, match=detail):
        query_of(row)
    assert insight_key(row) is None


def test_what_cannot_be_read_has_no_kind() -> None:
    assert kind_of(replace(insight(), query=raw({"kind": "OddQuery"}))) is None
    assert kind_of(insight(filters=raw(5))) is None


def test_a_query_too_long_to_be_remembered_has_the_same_key() -> None:
    def asking(name: str) -> InsightRow:
        steps = [{"id": name}, {"id": "b", "order": 1}]
        return insight(filters=raw({**LEGACY, "events": steps}))

    long = "x" * LONGEST_REMEMBERED
    assert insight_key(asking(long)) == insight_key(asking(long)) is not None
    assert insight_key(asking(long)) != insight_key(asking("a"))


def test_other_filters_lie_over_a_node_and_over_legacy_filters() -> None:
    of_node = overridden(insight(query=FUNNEL), LAST_WEEK)
    assert msgspec.json.decode(of_node.query)["source"]["dateRange"]["date_from"] == "-7d"
    of_filters = overridden(insight(filters=raw(LEGACY)), LAST_WEEK)
    assert msgspec.json.decode(of_filters.filters) == {
        **LEGACY,
        "date_from": "-7d",
        "date_to": None,
    }


def test_one_of_many_that_cannot_be_read_stays_as_it_is() -> None:
    row, theirs = insight(filters=raw(UNREADABLE)), read({"properties": [{"key": "a", "value": 1}]})
    with pytest.raises(InvalidQuery):
        overridden(row, theirs)
    assert seen_under(row, theirs) == row
    assert seen_under(row, NO_OVERRIDES) is row


def test_a_dashboard_whose_filters_cannot_be_read_changes_nothing() -> None:
    assert of_dashboard(raw({"properties": 5})) == of_dashboard(Raw(b"null")) == NO_OVERRIDES
    assert of_dashboard(raw({"date_from": "-7d"})) == LAST_WEEK
    with pytest.raises(InvalidQuery, match="Filters are an object"):
        read(5)


def test_a_breakdown_laid_over_filters_replaces_theirs_but_for_its_attribution() -> None:
    stored = {"breakdown": "plan", "breakdown_limit": 3, "breakdown_attribution_type": "step"}
    assert over_filters(stored, read({"breakdown_filter": {"breakdown": "city"}})) == {
        "breakdown": "city",
        "breakdown_attribution_type": "step",
    }
    assert over_filters(stored, NO_OVERRIDES) == stored
