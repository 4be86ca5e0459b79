"""Lifecycles as clients ask for them: as a node, stored, shared, and who is behind them."""

from tests.services.query.insights.visits import (
    DATES,
    DAYS,
    LIFECYCLE,
    VISITS,
    behind,
    bob_is_ada,
    data,
    query,
    visited,
)
from tests.services.query.people.shop import names, ok
from tests.whole import Whole

VIZ = {"kind": "InsightVizNode", "source": LIFECYCLE}


async def test_a_node_is_computed(whole: Whole) -> None:
    await visited(whole)
    answer = await query(whole, LIFECYCLE)
    new, returning, resurrecting, dormant = answer["results"]
    assert new == {
        "action": {
            "id": "visit", "name": "visit", "type": "events", "order": 0, "math": "total",
        },
        "label": "visit - new",
        "status": "new",
        "count": 2,
        "data": [2, 0, 0],
        "days": DAYS,
        "labels": ["10-Jan-2024", "11-Jan-2024", "12-Jan-2024"],
    }  # fmt: skip
    # The ghost came on the day before the range, too; cy, first seen on the 10th, on the 11th.
    assert returning["data"] == [1, 1, 1]
    assert resurrecting["data"] == [0, 1, 1]
    assert (dormant["data"], dormant["count"]) == ([0, -2, -1], -3)
    assert answer["hogql"].splitlines()[0] == "SELECT actors by status and day"
    await bob_is_ada(whole)
    merged = await query(whole, LIFECYCLE | {"interval": "day"})
    assert data(merged) == [[1, 0, 0], [1, 1, 1], [0, 1, 0], [0, -1, -1]]


async def test_a_stored_one_and_legacy_filters_are_computed_and_shared(whole: Whole) -> None:
    await visited(whole)
    filters = {
        "insight": "TRENDS", "shown_as": "Lifecycle", "events": [{"id": "visit"}],
        "date_from": "2024-01-10", "date_to": "2024-01-12",
    }  # fmt: skip
    for stored in ({"query": VIZ}, {"filters": filters}):
        made = await whole.create(name="Alive", **stored)
        path = f"{whole.insights}{made['id']}/"
        shown = (await whole.client.get(path, params={"refresh": "blocking"})).json()
        assert [row["status"] for row in shown["result"]] == [
            "new", "returning", "resurrecting", "dormant",
        ]  # fmt: skip
        assert shown["result"][3]["data"] == [0, -2, -1]
        sharing = await whole.client.patch(f"{path}sharing/", json={"enabled": True})
        page = await whole.client.get(
            f"/shared/{sharing.json()['access_token']}", headers={"Accept": "text/html"}
        )
        assert '<th scope="row">11-Jan-2024</th>' in page.text
        assert '<td class="number">-2</td>' in page.text


async def test_the_people_behind_a_number_are_listed(whole: Whole) -> None:
    await visited(whole)
    assert await behind(whole, LIFECYCLE, day="2024-01-10", status="new") == {
        "ada@example.com": 1, "Bob": 1,
    }  # fmt: skip
    assert await behind(whole, LIFECYCLE, day="2024-01-10", status="returning") == {"ghost": 2}
    # What a dormant one did in the period before.
    assert await behind(whole, LIFECYCLE, day="2024-01-11", status="dormant") == {
        "ghost": 2, "Bob": 1,
    }  # fmt: skip
    assert await behind(whole, LIFECYCLE, day="2024-01-12T12:00:00Z", status="resurrecting") == {
        "Bob": 1
    }


async def test_what_cannot_be_computed_is_refused_by_its_member(whole: Whole) -> None:
    for wrong, attr in (
        ({"series": [VISITS, VISITS]}, "series"),
        ({"interval": "minute"}, "interval"),
        ({"customAggregationTarget": True}, "customAggregationTarget"),
        ({"lifecycleFiltr": {}}, "query__lifecycleFiltr"),
    ):
        refused = await whole.client.post(f"{whole.root}query/", json={"query": LIFECYCLE | wrong})
        assert (refused.status_code, refused.json()["attr"]) == (400, attr), wrong
    source = {"kind": "InsightActorsQuery", "source": LIFECYCLE, "day": "2024-02-01"}
    refused = await whole.client.post(
        f"{whole.root}query/", json={"query": {"kind": "ActorsQuery", "source": source}}
    )
    assert (refused.status_code, refused.json()["attr"]) == (400, "day")


async def test_people_are_listed_by_legacy_filters(whole: Whole) -> None:
    await visited(whole)
    filters = {"events": [{"id": "visit"}], **DATES, "target_date": "2024-01-10"}
    url = f"{whole.root}persons/lifecycle/"
    page = ok(await whole.client.post(url, json=filters | {"lifecycle_type": "new"}))
    assert names(page) == {"ada@example.com", "Bob"}
    assert [one["value_at_data_point"] for one in page["results"][0]["people"]] == [1, 1]
    for wrong, attr in (({"lifecycle_type": "old"}, "lifecycle_type"), ({}, "lifecycle_type")):
        refused = await whole.client.post(url, json=filters | wrong)
        assert (refused.status_code, refused.json()["attr"]) == (400, attr)


async def test_choices_and_running_periods_are_told_on_demand(whole: Whole) -> None:
    answer = await query(whole, {"kind": "InsightActorsQueryOptions", "source": LIFECYCLE})
    assert [day["value"] for day in answer["day"]] == [f"{day}T00:00:00Z" for day in DAYS]
    assert answer["status"][3] == {"label": "Dormant", "value": "dormant"}
    assert answer["results"]["day"] == answer["day"]
    running = LIFECYCLE | {"dateRange": {"date_from": "-1d"}}
    for include, expected in (([], [None] * 4), (["incomplete"], [[1]] * 4)):
        rows = (await query(whole, running, include=include))["results"]
        assert [row.get("incomplete") for row in rows] == expected
