"""insights-api.md, Funnel endpoints: envelope; correlation's door."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.contracts.api.talk import Answer, Api

FUNNEL: dict[str, Any] = {
    "events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}],
    "date_from": "-7d",
}


@pytest.fixture(scope="module")
async def happened(api: Api) -> None:
    """Three signed up with plan pro, two of them paid after two hours."""
    at = datetime.now(UTC) - timedelta(hours=12)
    await api.here.happened(
        *[("signed_up", who, at) for who in ("ada", "bob", "cy")],
        *[("paid", who, at + timedelta(hours=2)) for who in ("ada", "bob")],
        plan="pro",
    )


def told(answer: Answer) -> list[dict[str, Any]]:
    """The steps without their links."""
    return [
        {name: value for name, value in step.items() if not name.endswith("_people_url")}
        for step in answer["result"]
    ]


@pytest.mark.usefixtures("happened")
async def test_the_envelope(api: Api) -> None:
    answer = await api("POST insights/funnel/?refresh=true", FUNNEL)
    answer.says(200, timezone="UTC", is_cached=False)
    assert [step["count"] for step in answer["result"]] == [3, 2]
    first, second = answer["result"]
    assert first.keys() >= {
        "action_id", "name", "custom_name", "order", "people", "count", "type",
        "average_conversion_time", "median_conversion_time",
    }  # fmt: skip
    assert (first["order"], second["order"]) == (0, 1)
    assert second["average_conversion_time"] == pytest.approx(7200, abs=1)
    assert all(set(each) == {"k", "t"} for each in answer["timings"])
    datetime.fromisoformat(answer["last_refresh"])


@pytest.mark.usefixtures("happened")
async def test_post_json_and_get_with_json_text_ask_the_same(api: Api) -> None:
    posted = await api("POST insights/funnel/", FUNNEL)
    text = {name: json.dumps(v) if isinstance(v, list) else v for name, v in FUNNEL.items()}
    got = await api(f"GET insights/funnel/?{urlencode(text)}")
    as_text = await api("POST insights/funnel/", text)
    # The links to people spell the request as it came; all else is equal.
    assert told(got) == told(posted) == told(as_text)
    # One canonical filter: whoever asked second was answered from the cache.
    assert (got["is_cached"], as_text["is_cached"]) == (True, True)


@pytest.mark.usefixtures("happened")
async def test_refresh_recomputes_from_the_query_string_or_the_body(api: Api) -> None:
    funnel = {**FUNNEL, "funnel_window_interval": 3}
    first = await api("POST insights/funnel/", funnel)
    cached = await api("POST insights/funnel/", funnel)
    cached.says(200, is_cached=True, last_refresh=first["last_refresh"])
    for request, body in (
        ("POST insights/funnel/?refresh=true", funnel),
        ("POST insights/funnel/", {**funnel, "refresh": True}),
    ):
        again = await api(request, body)
        again.says(200, is_cached=False)
        assert again["last_refresh"] > first["last_refresh"]


@pytest.mark.usefixtures("happened")
async def test_filters_reach_the_computation(api: Api) -> None:
    for value, counts in (("pro", [3, 2]), ("free", [0, 0])):
        properties = [{"key": "plan", "value": value, "operator": "exact", "type": "event"}]
        answer = await api("POST insights/funnel/", {**FUNNEL, "properties": properties})
        assert [step["count"] for step in answer["result"]] == counts


async def test_no_event_that_matches_is_zeros_and_no_error(api: Api) -> None:
    answer = await api("POST insights/funnel/", {"events": [{"id": "x"}, {"id": "y"}]})
    assert [step["count"] for step in answer["result"]] == [0, 0]


@pytest.mark.usefixtures("happened")
async def test_one_step_is_served_as_the_docs_show_and_none_is_refused(api: Api) -> None:
    one = await api("POST insights/funnel/", {"events": [{"id": "signed_up"}]})
    assert [step["count"] for step in one["result"]] == [3]
    (await api("POST insights/funnel/", {})).refuses(
        400,
        "funnels_require_at_least_two_steps",
        "Funnels require at least two steps.",
    )


@pytest.mark.usefixtures("happened")
async def test_trends_and_times_have_shapes_of_their_own(api: Api) -> None:
    trends = await api("POST insights/funnel/", {**FUNNEL, "funnel_viz_type": "trends"})
    (line,) = trends["result"]
    assert line.keys() >= {"count", "data", "days", "labels"}
    assert len(line["data"]) == len(line["days"]) == 8
    times = await api("POST insights/funnel/", {**FUNNEL, "funnel_viz_type": "time_to_convert"})
    assert times["result"].keys() >= {"bins", "average_conversion_time"}
    assert sum(count for _, count in times["result"]["bins"]) == 2


@pytest.mark.parametrize(
    ("change", "attr"),
    [
        ({"funnel_order_type": "sideways"}, "funnel_order_type"),
        ({"funnel_window_interval": -1}, "funnel_window_interval"),
        ({"date_from": "someday"}, "date_from"),
    ],
)
async def test_what_cannot_be_read_is_named_as_it_was_sent(
    api: Api, change: dict[str, Any], attr: str
) -> None:
    answer = await api("POST insights/funnel/", {**FUNNEL, **change})
    assert (answer.status, answer["type"], answer["attr"]) == (400, "validation_error", attr)


async def test_a_body_that_is_no_object_is_refused(api: Api) -> None:
    answer = await api("POST insights/funnel/", [1])
    answer.refuses(400, "invalid_input")


@pytest.mark.usefixtures("happened")
async def test_correlation_answers_in_its_envelope(api: Api) -> None:
    for request, body in (
        ("POST insights/funnel/correlation/", {**FUNNEL, "funnel_correlation_type": "events"}),
        (f"GET insights/funnel/correlation/?events={json.dumps(FUNNEL['events'])}", None),
    ):
        answer = await api(request, body)
        answer.says(200)
        assert set(answer["result"]) >= {"events", "skewed"}
        assert answer.body.keys() >= {"last_refresh", "is_cached"}
