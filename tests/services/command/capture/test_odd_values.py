"""Values that no column holds as they are: the event is stored, and the others of its batch too."""

from typing import Any

import msgspec
import pytest

from tests.services.command.capture.conftest import Shop

LONG = 2**64
ODD: dict[str, dict[str, Any]] = {
    "$set": {"properties": {"$set": {"account": LONG}}},
    "$set beside the properties": {"$set": {"account": -(2**63) - 1}},
    "$set_once": {"properties": {"$set_once": {"account": 10**40}}},
    "a list in $set": {"properties": {"$set": {"accounts": [1, {"n": LONG}]}}},
    "$unset": {"properties": {"$unset": [LONG, "account", None]}},
    "a group": {
        "event": "$groupidentify",
        "properties": {"$group_type": "org", "$group_key": LONG, "$group_set": {"n": LONG}},
    },
    "a property": {"properties": {"n": LONG, "deep": {"n": [LONG]}, "$groups": {"org": LONG}}},
    "a distinct id": {"distinct_id": LONG},
    "a session": {"properties": {"$session_id": LONG}},
    "an offset": {"offset": LONG},
    "a merge": {"event": "$identify", "properties": {"$anon_distinct_id": LONG}},
}


@pytest.mark.parametrize("what", ODD)
async def test_an_integer_beyond_64_bits_loses_no_event_of_its_batch(shop: Shop, what: str) -> None:
    odd = {"event": "odd", "distinct_id": "anna", **ODD[what]}
    answer = await shop.post("/batch/", shop.batch(shop.event("good"), odd, shop.event("last")))
    assert answer.status_code == 200, answer.text
    assert await shop.names(answer) == sorted(["good", odd["event"], "last"])


async def test_such_integers_are_kept_as_their_digits(shop: Shop) -> None:
    odd = {"$set": {"account": LONG}, "n": LONG}
    answer = await shop.post("/e/", shop.event(properties=odd))
    found = await shop.rows(
        answer,
        "SELECT (SELECT properties.account::String FROM persons FINAL),"
        " (SELECT properties.n::String FROM events)",
    )
    assert list(found) == [(str(LONG), str(LONG))]


@pytest.mark.parametrize(
    "odd", [b"1e400", b"NaN", b"[-Infinity]", b"9" * 5_000, b'"\\ud83d"', b'"\xff"']
)
@pytest.mark.parametrize("where", [b'"properties": {"a": %s}', b'"$set": {"a": %s}', b'"more": %s'])
async def test_what_is_no_json_number_or_text_loses_no_event(
    shop: Shop, odd: bytes, where: bytes
) -> None:
    good = msgspec.json.encode(shop.event("good"))
    body = b'{"api_key": "%s", "batch": [%s, {"event": "odd", "distinct_id": "a", %s}]}' % (
        shop.token.encode(),
        good,
        where % odd,
    )
    answer = await shop.client.post("/batch/", content=body)
    assert answer.status_code == 200, answer.text
    assert await shop.names(answer) == ["good", "odd"]
