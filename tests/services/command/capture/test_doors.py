"""The v0 doors: what they take becomes rows, what they refuse leaves nothing."""

import gzip
import json
from base64 import b64encode
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from tests.services.command.capture.conftest import Shop

pytestmark = pytest.mark.anyio

DOORS = ["/batch", "/capture", "/e", "/i/v0/e", "/track", "/engage", "/i/v0/ai/batch"]
PUBLIC_ORIGIN = {"Origin": "https://shop.example"}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_door_takes_a_batch(shop: Shop, slash: str) -> None:
    answers = []
    for door in DOORS:
        answer = await shop.post(door + slash, shop.batch({"event": door, "distinct_id": "anna"}))
        assert (answer.status_code, answer.json()) == (200, {"status": 1})
        assert answer.headers["content-type"] == "application/json"
        answers.append(answer)
    assert await shop.names(answers[-1]) == sorted(DOORS)


async def test_every_form_of_a_request_becomes_the_same_row(shop: Shop) -> None:
    text = json.dumps(shop.event("sign up", properties={"plan": "pro"})).encode()
    encoded = b64encode(text)
    for door, body, headers in (
        ("/capture/", text, {}),
        ("/e/", gzip.compress(text), {"Content-Type": "text/plain"}),
        ("/e/", b"data=" + quote(encoded).encode(), {"Content-Type": FORM}),
        ("/e/?compression=base64", encoded, {}),
        ("/batch/", gzip.compress(text), {"Content-Encoding": "gzip"}),
        ("/e/", b"[" + text + b"]", {"Content-Type": "application/json"}),
    ):
        answer = await shop.client.post(door, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
    answer = await shop.client.get("/e/", params={"data": encoded.decode(), "_": "1"})
    assert answer.status_code == 200
    rows = await shop.rows(
        answer, "SELECT event, properties.plan::String, count() FROM events GROUP BY 1, 2"
    )
    assert rows == [("sign up", "pro", 7)]


FORM = "application/x-www-form-urlencoded"


async def test_an_object_without_an_event_identifies_on_engage(shop: Shop) -> None:
    profile = {"token": shop.token, "$distinct_id": "anna", "$set": {"plan": "pro"}}
    assert (await shop.post("/capture", profile)).status_code == 400
    answer = await shop.post("/engage", profile)
    assert await shop.names(answer) == ["$identify"]


async def test_a_beacon_is_answered_with_nothing(shop: Shop) -> None:
    answer = await shop.post("/e/?beacon=1", shop.event())
    assert (answer.status_code, answer.content) == (204, b"")
    assert await shop.names(answer) == ["visit"]


async def test_one_bad_event_refuses_the_request_and_says_where(shop: Shop) -> None:
    good = {"event": "good", "distinct_id": "anna"}
    for bad, attr, code in (
        ({"distinct_id": "anna"}, "event", "required"),
        ({"event": "", "distinct_id": "anna"}, "event", "blank"),
        ({"event": 5, "distinct_id": "anna"}, "event", "invalid_input"),
        ({"event": ["bad"], "distinct_id": "anna"}, "event", "invalid_input"),
        ({"event": "bad"}, "distinct_id", "required"),
        ({"event": "bad", "distinct_id": " "}, "distinct_id", "blank"),
        ({**good, "uuid": "42"}, "uuid", "invalid_input"),
        ({**good, "timestamp": 1700000000}, "timestamp", "invalid_input"),
        ({**good, "properties": []}, "properties", "invalid_input"),
    ):
        answer = await shop.post("/batch/", shop.batch(good, good, good, bad, good))
        assert answer.status_code == 400
        assert answer.json()["attr"] == f"batch__3__{attr}"
        assert (answer.json()["type"], answer.json()["code"]) == ("validation_error", code)
    answer = await shop.post("/capture/", [shop.event(), shop.event("")])
    assert answer.json()["attr"] == "1__event"
    answer = await shop.post("/capture/", shop.event(""))
    assert answer.json()["attr"] == "event"
    after = await shop.post("/capture/", shop.event("kept"))
    assert await shop.names(after) == ["kept"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"3", b"not json", b"\xff\xfe", b'{"a":' * 5000, b"[[]]"]
)
async def test_what_is_no_request_is_a_bad_request(shop: Shop, body: bytes) -> None:
    answer = await shop.client.post("/batch/", content=body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"type", "code", "detail", "attr"}


async def test_an_empty_batch_is_refused(shop: Shop) -> None:
    answer = await shop.post("/batch/", shop.batch())
    assert (answer.status_code, answer.json()["attr"]) == (400, "batch")


async def test_a_request_without_one_good_token_is_unauthorized(shop: Shop) -> None:
    event = {"event": "visit", "distinct_id": "anna"}
    for body in (
        event,
        {"batch": [{**event, "token": shop.token}]},
        {"batch": [event], "api_key": "phx_personal"},
        {"batch": [event], "api_key": "phc_of_nobody"},
        {"batch": [event], "api_key": "x" * 65},
        {"batch": [event], "api_key": "phc_\u00e4"},
        {"batch": [event], "api_key": "phc_\u0000"},
        {"batch": [event], "api_key": 5},
        [{**event, "token": shop.token}, {**event, "token": "phc_other"}],
        [{**event, "token": shop.token}, event],
    ):
        answer = await shop.post("/batch/", body)
        assert answer.status_code == 401, body
        assert answer.json()["type"] == "authentication_error"
    after = await shop.post("/batch/", shop.event("kept"))
    assert await shop.names(after) == ["kept"]


async def test_the_token_is_found_wherever_sdks_put_it(shop: Shop) -> None:
    event = {"event": "visit", "distinct_id": "anna"}
    answers = []
    for body in (
        {**event, "token": shop.token},
        {**event, "$token": shop.token},
        {**event, "api_key": f" {shop.token} "},
        {**event, "properties": {"token": shop.token}},
        {"batch": [{**event, "token": "phc_ignored"}], "token": shop.token},
    ):
        answers.append(await shop.post("/e/", body))
        assert answers[-1].status_code == 200, body
    assert len(await shop.names(answers[-1])) == 5


async def test_too_large_a_body_is_refused_as_sent_and_inflated(shop: Shop) -> None:
    padded = json.dumps(shop.event(properties={"pad": "x" * 21_000_000})).encode()
    for body in (padded, gzip.compress(padded)):
        answer = await shop.client.post("/batch/", content=body)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"


async def test_too_large_an_event_is_refused_with_its_place(shop: Shop) -> None:
    large = {"event": "large", "distinct_id": "anna", "properties": {"pad": "x" * 950_000}}
    answer = await shop.post("/batch/", shop.batch({"event": "a", "distinct_id": "b"}, large))
    assert (answer.status_code, answer.json()["attr"]) == (413, "batch__1")


async def test_a_request_larger_than_a_message_is_kept_whole(shop: Shop) -> None:
    events = [
        {"event": "large", "distinct_id": f"p{n}", "properties": {"pad": f"{n}" * size, "n": [n]}}
        for n, size in enumerate([800_000, 10, 300_000, 200_000, 400_000, 10, 600_000])
    ]
    answer = await shop.post("/batch/", shop.batch(*events))
    assert answer.status_code == 200
    rows = await shop.rows(
        answer, "SELECT length(sent), length(properties.pad::String) FROM events ORDER BY 2"
    )
    assert [size for _, size in rows] == [10, 10, 200_000, 300_000, 400_000, 600_000, 800_000]


async def test_a_retry_with_the_same_uuid_is_stored_once(shop: Shop) -> None:
    event = {"event": "once", "distinct_id": "anna", "uuid": str(uuid4()),
             "timestamp": "2024-01-01T00:00:00Z"}  # fmt: skip
    await shop.post("/batch/", shop.batch(event, sent_at="2024-01-01T00:00:01Z"))
    answer = await shop.post("/batch/", shop.batch(event, sent_at="2024-01-01T00:00:31Z"))
    assert await shop.names(answer) == ["once"]


async def test_an_event_without_a_uuid_gets_one_of_version_7(shop: Shop) -> None:
    answer = await shop.post("/e/", shop.event(uuid=""))
    ((uuid,),) = await shop.rows(answer, "SELECT uuid FROM events")
    assert isinstance(uuid, UUID)
    assert uuid.version == 7


async def test_performance_events_are_taken_and_thrown_away(shop: Shop) -> None:
    assert (await shop.post("/e/", shop.event("$performance_event"))).status_code == 200
    answer = await shop.post("/e/", [shop.event("$performance_event"), shop.event("kept")])
    assert await shop.names(answer) == ["kept"]


async def test_odd_json_is_stored_all_the_same(shop: Shop) -> None:
    text = (
        '{"api_key": "TOKEN", "event": "odd\\u0000", "distinct_id": "a\\ud800b", "properties":'
        ' {"n": 1, "n": 2, "a.b": 1, "a": {"b": 2}, "big": 123456789012345678901234567890,'
        ' "huge": 1e999, "surrogate \\udfff": "x\\ud83d", "deep": DEEP, "null": null, "": "empty"}}'
    )
    text = text.replace("TOKEN", shop.token).replace("DEEP", "[" * 100 + "]" * 100)
    answer = await shop.client.post("/e/", content=text.encode())
    assert answer.status_code == 200, answer.text
    rows = await shop.rows(
        answer,
        "SELECT event, distinct_id, properties.n::String, properties.`a%2Eb`::String,"
        " properties.a::String, properties.big::String, properties.huge::String,"
        " properties.`surrogate \ufffd`::String FROM events",
    )
    assert rows == [
        ("odd\ufffd", "a\ufffdb", "2", "1", '{"b":2}', "123456789012345678901234567890", "1e999",
         "x\ufffd")
    ]  # fmt: skip


async def test_any_page_may_send_events(shop: Shop) -> None:
    for door in DOORS:
        asked = {"Access-Control-Request-Headers": "x-team,content-type", **PUBLIC_ORIGIN}
        for path in (door, f"{door}/"):
            answer = await shop.client.options(path, headers=asked)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["access-control-allow-origin"] == "https://shop.example"
            assert answer.headers["access-control-allow-headers"] == "x-team,content-type"
            assert answer.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
            assert answer.headers["access-control-allow-credentials"] == "true"
        refused = await shop.client.post(door, content=b"{", headers=PUBLIC_ORIGIN)
        assert refused.status_code == 400
        assert refused.headers["access-control-allow-origin"] == "https://shop.example"
        assert refused.headers["access-control-expose-headers"] == "Retry-After"
        assert refused.headers["vary"] == "Origin"
    plain = await shop.post("/e/", shop.event())
    assert "access-control-allow-origin" not in plain.headers


async def test_waiting_for_a_position_ends(shop: Shop) -> None:
    answer = await shop.client.get("/i/position", params={"reach": 1000, "wait": 0.1})
    assert answer.json() == {"position": 0, "reached": False}
    after = await shop.post("/e/", shop.event())
    reached = await shop.client.get(
        "/i/position", params={"reach": after.headers["Ingest-Position"], "wait": "10"}
    )
    assert reached.json()["reached"] is True
    assert (await shop.client.get("/i/position?reach=x")).status_code == 400


async def test_a_page_can_read_what_is_wrong_with_its_method_or_path(shop: Shop) -> None:
    for method, path, status in (
        ("PUT", "/e/", 405),
        ("DELETE", "/batch", 405),
        ("GET", "/array/x", 404),
    ):
        answer = await shop.client.request(method, path, headers=PUBLIC_ORIGIN)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["vary"] == "Origin"
    closed = await shop.client.put("/api/projects/", headers=PUBLIC_ORIGIN)
    assert closed.status_code == 405
    assert "access-control-allow-origin" not in closed.headers
