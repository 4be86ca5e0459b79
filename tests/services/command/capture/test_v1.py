"""The newer protocol: the good events of a request are kept, the bad ones named."""

import gzip
import sys
import zlib
from typing import Any
from uuid import uuid4

import brotli  # type: ignore[import-untyped]  # the package has no types
import msgspec
import pytest
from httpx import Response

from tests.services.command.capture.conftest import Shop

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.anyio

DOOR = "/i/v1/analytics/events"
NOW = "2024-05-01T12:00:00.5Z"


def headers(shop: Shop, **changed: str | None) -> dict[str, str]:
    """changed: by the name in snake case; None leaves the header out."""
    usual: dict[str, str | None] = {
        "authorization": f"Bearer {shop.token}",
        "posthog_sdk_info": "posthog-python/7.91.0",
        "posthog_attempt": "1",
        "posthog_request_id": str(uuid4()),
        "posthog_request_timestamp": NOW,
        "content_type": "application/json",
        "user_agent": "posthog-python/7.91.0",
    }
    named = {**usual, **changed}
    return {name.replace("_", "-"): value for name, value in named.items() if value is not None}


def event(**changed: Any) -> dict[str, Any]:
    usual = {
        "event": "visit",
        "uuid": str(uuid4()),
        "distinct_id": "anna",
        "timestamp": "2024-05-01T11:59:00+00:00",
        "options": {},
        "properties": {},
    }
    return {**usual, **changed}


async def send(shop: Shop, *events: object, **changed: str | None) -> Response:
    body = msgspec.json.encode({"created_at": NOW, "batch": events})
    return await shop.client.post(DOOR, content=body, headers=headers(shop, **changed))


async def test_each_event_gets_its_own_result(shop: Shop) -> None:
    expected = {
        "missing_event_name": event(event=""),
        "event_name_too_long": event(event="x" * 201),
        "missing_distinct_id": event(distinct_id=None),
        "invalid_distinct_id": event(distinct_id=5),
        "distinct_id_too_large": event(distinct_id="x" * 201),
        "invalid_event_timestamp": event(timestamp="yesterday"),
        "malformed_event_properties": event(properties=[]),
        "event_too_large": event(properties={"pad": "x" * 950_000}),
    }
    good = event(event="good")
    answer = await send(shop, *expected.values(), good)
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"] == {
        **{
            bad["uuid"]: {"result": "drop", "details": details} for details, bad in expected.items()
        },
        good["uuid"]: {"result": "ok"},
    }
    assert await shop.names(answer) == ["good"]


async def test_what_stands_beside_the_properties_is_stored_in_them(shop: Shop) -> None:
    sent = event(
        session_id="s1",
        window_id="w1",
        options={"process_person_profile": False, "cookieless_mode": True, "product_tour_id": "t"},
        properties={"plan": "pro"},
    )
    answer = await send(shop, sent)
    rows = await shop.rows(answer, "SELECT session_id, sent FROM events")
    assert [(session, msgspec.json.decode(text)) for session, text in rows] == [
        (
            "s1",
            {
                "plan": "pro",
                "$lib": "posthog-python",
                "$lib_version": "7.91.0",
                "$session_id": "s1",
                "$window_id": "w1",
                "$process_person_profile": False,
                "$cookieless_mode": True,
                "$product_tour_id": "t",
            },
        )
    ]


async def test_a_wrong_clock_is_corrected_unless_it_says_not_to(shop: Shop) -> None:
    corrected = event(event="corrected", timestamp="2024-05-01T11:59:00Z")
    as_sent = event(
        event="as sent", timestamp="2024-05-01T11:59:00Z", options={"disable_skew_correction": True}
    )
    answer = await send(shop, corrected, as_sent)
    rows = await shop.rows(
        answer,
        "SELECT event, toString(timestamp), dateDiff('second', timestamp, now64(6)) < 300"
        " FROM events ORDER BY event",
    )
    assert rows[0][:2] == ("as sent", "2024-05-01 11:59:00.000000")
    assert (rows[1][0], rows[1][2]) == ("corrected", 1)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("identity", bytes),
    ],
)
async def test_every_encoding_is_read(shop: Shop, encoding: str, pack: Any) -> None:
    body = pack(msgspec.json.encode({"batch": [event()]}))
    named = headers(shop, content_encoding=encoding)
    answer = await shop.client.post(DOOR, content=body, headers=named)
    assert answer.status_code == 200, answer.text
    broken = await shop.client.post(DOOR, content=body[:-3], headers=named)
    assert broken.status_code == 400
    bomb = pack(b" " * 21_000_000)
    assert (await shop.client.post(DOOR, content=bomb, headers=named)).status_code == 413


async def test_a_whole_request_is_refused_in_the_protocols_words(shop: Shop) -> None:
    twice = event()
    for status, error, answer in (
        (401, "missing_token", await send(shop, event(), authorization=None)),
        (401, "invalid_token", await send(shop, event(), authorization="Bearer phc_none")),
        (401, "invalid_token", await send(shop, event(), authorization="Bearer phx_personal")),
        (400, "missing_header", await send(shop, event(), posthog_sdk_info=None)),
        (400, "invalid_header", await send(shop, event(), posthog_sdk_info="posthog")),
        (400, "missing_header", await send(shop, event(), posthog_attempt=None)),
        (400, "invalid_header", await send(shop, event(), posthog_attempt="0")),
        (400, "empty_batch", await send(shop, posthog_attempt="9" * 5_000)),
        (400, "missing_header", await send(shop, event(), posthog_request_id=None)),
        (400, "invalid_header", await send(shop, event(), posthog_request_id="1")),
        (400, "invalid_header", await send(shop, event(), posthog_request_timestamp="now")),
        (415, "unsupported_content_type", await send(shop, event(), content_type="text/plain")),
        (415, "unsupported_content_encoding", await send(shop, event(), content_encoding="lz4")),
        (400, "invalid_body", await send(shop, event(), content_encoding="gzip")),
        (400, "empty_batch", await send(shop)),
        (400, "duplicate_uuid", await send(shop, twice, twice)),
        (400, "invalid_uuid", await send(shop, event(uuid=None))),
        (400, "invalid_uuid", await send(shop, 5)),
    ):
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert set(answer.json()) == {"error", "error_description", "error_uri"}
    after = await send(shop, event(event="kept"))
    assert await shop.names(after) == ["kept"]


async def test_a_browser_may_use_it(shop: Shop) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Headers": "posthog-attempt"}
    answer = await shop.client.options(DOOR, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-headers"] == "posthog-attempt"
    refused = await shop.client.post(DOOR, headers={"Origin": "https://a.example"})
    assert refused.headers["access-control-allow-origin"] == "https://a.example"
