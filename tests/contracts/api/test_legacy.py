"""insights-api.md, Legacy filters and query nodes."""

from typing import Any

import pytest

from tests.contracts.api.talk import Api

EVENTS = [{"id": "a", "type": "events", "order": 0}, {"id": "b", "type": "events", "order": 1}]
KINDS = {
    "TRENDS": "TrendsQuery",
    "FUNNELS": "FunnelsQuery",
    "RETENTION": "RetentionQuery",
    "PATHS": "PathsQuery",
    "STICKINESS": "StickinessQuery",
    "LIFECYCLE": "LifecycleQuery",
}


@pytest.mark.parametrize("insight", KINDS)
async def test_legacy_filters_stay_as_stored_and_show_the_node_they_mean(
    api: Api, insight: str
) -> None:
    filters: dict[str, Any] = {"insight": insight, "events": EVENTS, "date_from": "-30d"}
    made = await api("POST insights/", {"filters": filters})
    for answer in (made, await api(f"GET insights/{made['id']}/")):
        answer.says(
            answer.status,
            filters=filters,
            query__kind="InsightVizNode",
            query__source__kind=KINDS[insight],
        )


async def test_filters_without_an_insight_are_trends(api: Api) -> None:
    made = await api.insight(filters={"events": EVENTS})
    assert made["query"]["source"]["kind"] == "TrendsQuery"


async def test_a_stored_query_is_returned_as_stored_with_empty_filters(api: Api) -> None:
    query = {
        "source": {"series": [{"event": "a", "kind": "EventsNode"}], "kind": "TrendsQuery"},
        "kind": "InsightVizNode",
        "unknown": {"1": [1.50, None, "ü"]},
    }
    made = await api.insight(query=query)
    assert (made["query"], made["filters"]) == (query, {})


async def test_a_legacy_funnel_keeps_its_steps_in_order(api: Api) -> None:
    made = await api.insight(
        filters={
            "insight": "FUNNELS",
            "events": [{"id": "b", "order": 1}, {"id": "a", "order": 0}],
            "funnel_window_interval": 3,
            "funnel_window_interval_unit": "hour",
        }
    )
    source = made["query"]["source"]
    assert [step["event"] for step in source["series"]] == ["a", "b"]
    assert source["funnelsFilter"]["funnelWindowInterval"] == 3
    assert source["funnelsFilter"]["funnelWindowIntervalUnit"] == "hour"


async def test_filters_that_cannot_be_read_are_kept_and_harm_nobody(api: Api) -> None:
    filters = {"insight": "FUNNELS", "events": 7, "properties": "x"}
    made = await api.insight(filters=filters)
    answer = await api(f"GET insights/{made['id']}/")
    answer.says(200, filters=filters, query=None, result=None)
