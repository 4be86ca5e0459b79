"""Results of stored insights, by refresh mode, alike in every answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.waiting import seen
from tests.whole import SIGN_UP, Whole


async def sign_ups(whole: Whole) -> None:
    """Two signed up, one paid."""
    then = datetime.now(UTC) - timedelta(hours=3)
    await whole.happened(
        ("signed_up", "ada", then),
        ("paid", "ada", then + timedelta(hours=1)),
        ("signed_up", "bob", then),
    )


async def get(whole: Whole, insight: dict[str, Any], **query: str) -> dict[str, Any]:
    answer = await whole.client.get(f"{whole.insights}{insight['id']}/", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def counts(body: dict[str, Any]) -> list[int]:
    return [step["count"] for step in body["result"]]


async def test_a_result_is_computed_when_asked_and_shown_in_every_answer(whole: Whole) -> None:
    await sign_ups(whole)
    made = await whole.create(name="Sign-ups", query=SIGN_UP)
    assert (await get(whole, made))["result"] is None
    computed = await get(whole, made, refresh="blocking")
    assert (counts(computed), computed["is_cached"]) == ([2, 1], False)
    later = await get(whole, made)
    assert (counts(later), later["is_cached"]) == ([2, 1], True)
    for field in ("last_refresh", "cache_target_age", "next_allowed_client_refresh"):
        assert later[field] == computed[field] is not None
    listed = (await whole.client.get(whole.insights)).json()["results"][0]
    patched = await whole.client.patch(f"{whole.insights}{made['id']}/", json={"name": "Renamed"})
    same = await whole.create(query=SIGN_UP["source"])
    assert counts(listed) == counts(patched.json()) == counts(same) == [2, 1]
    assert patched.json() == await get(whole, made)


async def test_a_job_started_by_a_read_shows_until_it_has_ended(whole: Whole) -> None:
    await sign_ups(whole)
    made = await whole.create(query=SIGN_UP)
    started = await get(whole, made, refresh="async")
    assert (started["result"], started["query_status"]["insight_id"]) == (None, made["id"])

    await seen(lambda: get(whole, made), lambda body: body["result"] is not None)
    assert (await get(whole, made))["query_status"] is None


async def test_a_client_that_forces_too_soon_gets_what_is_kept(whole: Whole) -> None:
    made = await whole.create(query=SIGN_UP)
    first = await get(whole, made, refresh="force_blocking")
    await sign_ups(whole)
    again = await get(whole, made, refresh="true")
    assert (counts(first), counts(again), again["is_cached"]) == ([0, 0], [0, 0], True)


async def test_filters_laid_over_an_insight_change_what_is_computed_and_shown(
    whole: Whole,
) -> None:
    await sign_ups(whole)
    made = await whole.create(query=SIGN_UP)
    over = '{"date_from": "-1h"}'
    narrowed = await get(whole, made, refresh="blocking", filters_override=over)
    assert counts(narrowed) == [0, 0]
    assert narrowed["query"]["source"]["dateRange"]["date_from"] == "-1h"
    assert counts(await get(whole, made, refresh="blocking")) == [2, 1]
    wrong = await whole.client.get(
        f"{whole.insights}{made['id']}/", params={"filters_override": "[1]"}
    )
    assert (wrong.status_code, wrong.json()["attr"]) == (400, "filters_override")


async def test_legacy_filters_are_computed_as_the_node_they_mean(whole: Whole) -> None:
    await sign_ups(whole)
    filters = {
        "insight": "FUNNELS",
        "events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}],
    }
    made = await whole.create(filters=filters)
    assert counts(await get(whole, made, refresh="blocking")) == [2, 1]


async def test_what_is_not_computed_here_is_shown_and_refused_only_when_run(whole: Whole) -> None:
    retention = {"kind": "RetentionQuery", "series": [{"kind": "EventsNode", "event": "a"}]}
    made = await whole.create(query=retention)
    funnel = await whole.create(query=SIGN_UP)
    assert (await get(whole, made))["result"] is None
    refused = await whole.client.get(
        f"{whole.insights}{made['id']}/", params={"refresh": "blocking"}
    )
    assert refused.status_code == 400
    assert "cannot be computed here" in refused.json()["detail"]
    listed = await whole.client.get(whole.insights, params={"refresh": "blocking"})
    results = {row["id"]: row["result"] for row in listed.json()["results"]}
    assert results[made["id"]] is None
    assert [step["count"] for step in results[funnel["id"]]] == [0, 0]
