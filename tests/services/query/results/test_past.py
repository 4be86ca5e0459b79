"""Results as of a moment: the definition of then over the events of now."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.services.query.results.live import Live, counts, happened, live
from tests.whole import Whole

ALL_DAYS = {"date_from": "-30d"}


def funnel(*events: str) -> dict[str, Any]:
    series = [{"kind": "EventsNode", "event": event} for event in events]
    source = {"kind": "FunnelsQuery", "series": series, "dateRange": ALL_DAYS}
    return {"kind": "InsightVizNode", "source": source}


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def get(api: Live, path: str) -> Any:
    answer = await api.whole.client.get(f"{api.whole.root}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(api: Live, path: str, **fields: Any) -> int:
    """The position after it."""
    answer = await api.whole.client.patch(f"{api.whole.root}{path}", json=fields)
    assert answer.status_code == 200, answer.text
    return int(answer.headers["Insights-Position"])


async def test_an_old_definition_shows_numbers_of_now(api: Live) -> None:
    await api.arrives(happened("signed_up", "ada"), happened("paid", "ada"))
    made = await api.whole.create(query=funnel("signed_up", "paid"))
    path = f"insights/{made['id']}/"
    await change(api, path, query=funnel("signed_up", "left"))
    assert (await get(api, f"{path}?as_of=v1"))["result"] is None
    assert counts(await get(api, f"{path}?as_of=v1&refresh=blocking")) == [1, 1]
    assert counts(await get(api, f"{path}?refresh=blocking")) == [1, 0]
    # Kept for that definition, it is shown, by the list too.
    assert counts(await get(api, f"{path}?as_of=v1")) == [1, 1]
    listed = await get(api, "insights/?as_of=p1")
    assert [counts(each) for each in listed["results"]] == [[1, 1]]
    await api.arrives(happened("signed_up", "bob"), happened("paid", "bob"))
    await api.grows_old()
    assert counts(await get(api, f"{path}?as_of=v1&refresh=blocking")) == [2, 2]


async def test_an_insight_is_seen_under_its_dashboards_filters_of_then(api: Live) -> None:
    await api.arrives(
        happened("signed_up", "ada", properties={"plan": "free"}),
        happened("signed_up", "bob", properties={"plan": "paid"}),
    )
    board = (await api.whole.client.post(f"{api.whole.root}dashboards/", json={})).json()["id"]
    made = await api.whole.create(query=funnel("signed_up", "paid"), dashboards=[board])
    free = [{"key": "plan", "value": "free", "operator": "exact", "type": "event"}]
    filtered = await change(api, f"dashboards/{board}/", filters={"properties": free})
    await change(api, f"dashboards/{board}/", filters={})
    path = f"insights/{made['id']}/?from_dashboard={board}&refresh=blocking"
    assert counts(await get(api, path)) == [2, 0]
    assert counts(await get(api, f"{path}&as_of=p{filtered}")) == [1, 0]
    then = await get(api, f"dashboards/{board}/?as_of=p{filtered}&refresh=blocking")
    assert counts(then["tiles"][0]["insight"]) == [1, 0]
    now = await get(api, f"dashboards/{board}/?refresh=blocking")
    assert counts(now["tiles"][0]["insight"]) == [2, 0]


async def test_no_write_takes_a_moment(api: Live) -> None:
    made = await api.whole.create(name="A")
    answer = await api.whole.client.patch(
        f"{api.whole.insights}{made['id']}/?as_of=v1", json={"name": "B"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "as_of_unsupported")
    answer = await api.whole.client.post(f"{api.whole.insights}?as_of=p1", json={"name": "B"})
    assert (answer.status_code, answer.json()["attr"]) == (400, "as_of")
    assert (await get(api, "insights/"))["count"] == 1


async def test_a_share_shows_the_present_alone(api: Live) -> None:
    made = await api.whole.create(name="A")
    shared = await api.whole.client.patch(
        f"{api.whole.insights}{made['id']}/sharing/", json={"enabled": True}
    )
    token = shared.json()["access_token"]
    for path in ("", f"{made['id']}/"):
        answer = await api.whole.client.get(
            f"{api.whole.insights}{path}?as_of=p1&sharing_access_token={token}",
            headers={"Authorization": ""},
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "as_of_unsupported")
    then = await get(api, f"insights/{made['id']}/sharing/?as_of=v1")
    assert then["access_token"] == token
    await change(api, f"insights/{made['id']}/sharing/", enabled=False)
    then = await get(api, f"insights/{made['id']}/sharing/?as_of=v1")
    assert (then["enabled"], then["access_token"]) == (True, None)
