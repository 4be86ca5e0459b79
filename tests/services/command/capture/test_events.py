"""What one event as it was sent becomes."""

import contextlib
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.product_events import (
    CapturedBatch,
    CapturedEvent,
    PersonChange,
    column_key,
    decode_batch,
    encode_batch,
    key_of_column,
    property_texts,
)
from services.command.capture import json_text
from services.command.capture.events import Clock, captured, uuid7
from services.command.capture.messages import MAX_EVENT, MAX_MESSAGE, fitted, payloads
from services.command.capture.refusals import NotJson, TooLarge

NOON = 1_700_000_000_000_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def event(**members: Any) -> CapturedEvent:
    return captured({"event": "visit", "distinct_id": "anna", **members}, Clock(NOON))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("anna", "anna"),
        (" anna ", " anna "),
        (42, "42"),
        (4.5, "4.5"),
        (True, "true"),
        (["a", 1], '["a",1]'),
        ({"id": 1}, '{"id":1}'),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_distinct_id_is_text(sent: object, kept: str) -> None:
    assert event(distinct_id=sent).distinct_id == kept


def test_a_distinct_id_is_found_in_three_places() -> None:
    assert event(distinct_id=None, **{"$distinct_id": "b"}).distinct_id == "b"
    assert event(distinct_id=None, properties={"distinct_id": "c"}).distinct_id == "c"
    assert event(**{"$distinct_id": "b"}).distinct_id == "anna"


@pytest.mark.parametrize("blank", [None, "", "  ", "\t"])
def test_a_blank_distinct_id_is_refused(blank: object) -> None:
    with pytest.raises(NotJson) as refused:
        event(distinct_id=blank)
    assert refused.value.attr == "distinct_id"


@pytest.mark.parametrize(
    "text",
    ["018f3c1e-7b1a-7c3e-8f4a-2b1c3d4e5f60", "018F3C1E7B1A7C3E8F4A2B1C3D4E5F60",
     "{018f3c1e-7b1a-7c3e-8f4a-2b1c3d4e5f60}", "urn:uuid:018f3c1e-7b1a-7c3e-8f4a-2b1c3d4e5f60"],
)  # fmt: skip
def test_a_uuid_may_be_written_in_any_way(text: str) -> None:
    assert event(uuid=text).uuid == UUID("018f3c1e-7b1a-7c3e-8f4a-2b1c3d4e5f60")


@pytest.mark.parametrize("bad", ["42", 42, "g" * 32, "x" * 36, [], {}])
def test_what_is_no_uuid_is_refused(bad: object) -> None:
    with pytest.raises(NotJson) as refused:
        event(uuid=bad)
    assert refused.value.attr == "uuid"


def test_fresh_uuids_sort_by_their_time() -> None:
    ids = [uuid7(NOON + n * 1000) for n in range(50)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}


def test_person_properties_count_beside_the_properties_and_in_them() -> None:
    both = event(
        properties={"$set": {"a": 1, "b": 1}, "$set_once": {"c": 1}, "$unset": ["d", 5]},
        **{"$set": {"b": 2}},
    )
    assert both.person == PersonChange(set={"a": 1, "b": 2}, set_once={"c": 1}, unset=["d"])
    assert msgspec.json.decode(both.sent)["$set"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("$identify", {"$anon_distinct_id": "anon"}, PersonChange(joins="anon", identifies=True)),
        ("$identify", {}, PersonChange(identifies=True)),
        ("$create_alias", {"alias": 5}, PersonChange(joins="5")),
        ("$merge_dangerously", {"alias": "b"}, PersonChange(joins="b", forced=True)),
        ("visit", {"alias": "b", "$anon_distinct_id": "b"}, None),
        ("$create_alias", {}, None),
        ("visit", {"$set": "no object", "$unset": {}}, None),
    ],
)
def test_what_an_event_says_about_its_person(
    name: str, properties: dict[str, Any], expected: PersonChange | None
) -> None:
    assert event(event=name, properties=properties).person == expected


def test_what_is_set_has_integers_beyond_64_bits_as_digits() -> None:
    long, least = 2**63, -(2**63) - 1
    properties = {
        "$set": {"a": long, "b": {"c": [1, least]}, "d": 2**63 - 1},
        "$set_once": {"e": 10**60},
        "$group_type": "org",
        "$group_key": 2**64,
        "$group_set": {"f": [long]},
        "plain": long,
    }
    made = event(event="$groupidentify", properties=properties)
    assert made.person is not None
    assert made.person.set == {"a": str(long), "b": {"c": [1, str(least)]}, "d": 2**63 - 1}
    assert made.person.set_once == {"e": str(10**60)}
    assert made.group is not None
    assert (made.group.group_key, made.group.set) == (str(2**64), {"f": [str(long)]})
    sent = msgspec.json.decode(made.sent)
    assert (sent["plain"], sent["$set"]["a"]) == (long, long)
    assert decode_batch(encode_batch(CapturedBatch(NOON, [made]))).events == [made]


def test_groups_are_named_by_text() -> None:
    groups = {"company": 5, "team": "blue", "none": None, "blank": ""}
    assert event(properties={"$groups": groups}).groups == {"company": "5", "team": "blue"}
    identified = event(
        event="$groupidentify",
        distinct_id=None,
        properties={"$group_type": "company", "$group_key": "acme", "$group_set": {"size": 5}},
    )
    assert identified.distinct_id == "$company_acme"
    assert identified.group is not None
    assert identified.group.set == {"size": 5}


def test_what_names_a_group_is_cut_where_its_index_ends() -> None:
    long = "é" * 401
    assert event(properties={"$groups": {long: long}}).groups == {long[:400]: long[:400]}
    group = event(event="$groupidentify", properties={"$group_type": long, "$group_key": long})
    assert group.group is not None
    assert (group.group.group_type, group.group.group_key) == (long[:400], long[:400])


def test_a_person_record_is_made_unless_the_event_says_not_to() -> None:
    assert event().profile
    assert event(properties={"$process_person_profile": True}).profile
    assert not event(properties={"$process_person_profile": False}).profile


def test_properties_get_one_path_for_each_key() -> None:
    column, sent = property_texts(
        {"a.b": 1, "a": {"b": 2}, "a%2Eb": 3, "list": [1, "x"], "long": 2**63, "least": -(2**63)}
    )
    assert column == (
        '{"a%2Eb":1,"a":"{\\"b\\":2}","a%252Eb":3,"list":"[1,\\"x\\"]",'
        '"long":"9223372036854775808","least":-9223372036854775808}'
    )
    assert msgspec.json.decode(sent)["a"] == {"b": 2}
    assert property_texts({"plain": 1.5, "t": "x"}) == ('{"plain":1.5,"t":"x"}', "")


KEYS = st.text() | st.lists(st.sampled_from(["%", "2", "5", "E", ".", "%2E", "%25"])).map("".join)


@given(KEYS)
@example("%252E")
@example("%2E.")
def test_no_two_keys_share_a_path(key: str) -> None:
    """A path tells its key."""
    assert key_of_column(column_key(key)) == key
    assert "." not in column_key(key)


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_an_event_survives_its_way_over_the_bus(properties: dict[str, Any]) -> None:
    sent = event(properties=properties, uuid=str(UUID(int=5)))
    (read,) = decode_batch(encode_batch(CapturedBatch(NOON, [sent]))).events
    assert read == sent
    column, whole = read.texts()
    assert msgspec.json.decode(whole) == msgspec.json.decode(msgspec.json.encode(properties))
    assert len(msgspec.json.decode(column)) == len(properties)


@given(JSON)
def test_parsing_keeps_what_was_sent(value: object) -> None:
    text = msgspec.json.encode(value)
    assert json_text.parse(text) == json_text._clean(msgspec.json.decode(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud800x\\udfff"', "\ufffdx\ufffd"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'{"\\ud800": "\\u0000"}', {"\ufffd": "\ufffd"}),
        (b'"a\\u0000b"', "a\ufffdb"),
        (b"1e999", "1e999"),
        (b"[-1e999, 1.5]", ["-1e999", 1.5]),
        (b"-" + b"7" * 5_000, "-" + "7" * 5_000),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'"\xff"', "\ufffd"),
        (b"\xef\xbb\xbf[1]", [1]),
    ],
)
def test_odd_json_is_made_canonical(text: bytes, value: object) -> None:
    assert json_text.parse(text) == value


def test_what_lies_too_deep_is_kept_as_text() -> None:
    parsed = json_text.parse(b"[" * 70 + b"]" * 70)
    for _ in range(64):
        (parsed,) = parsed
    assert parsed == "[[[[[[]]]]]]"
    for depth in range(850, 1100, 5):
        # Around what the parser can follow, writing the rest as text may go too deep as well.
        with contextlib.suppress(NotJson):
            json_text.parse(b"[" * depth + b"]" * depth)
    wide = b"[" + b",".join([b"[]"] * 100) + b"]"
    assert json_text.parse(wide) == [[]] * 100


@pytest.mark.parametrize("text", [b"", b"{", b"nan", b"[infinity]", b"[" * 100_000, b"{'a': 1}"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(NotJson):
        json_text.parse(text)


def test_events_are_split_into_messages_that_the_bus_takes() -> None:
    sizes = [10, 400_000, 300_000, 10, 700_000, 200_000]
    events = [fitted(event(properties={"pad": "x" * size, "n": []})) for size in sizes]
    messages = list(payloads(events, NOON))
    assert [one for message in messages for one in decode_batch(message).events] == events
    assert all(len(message) <= MAX_EVENT + 100 for message in messages)
    assert sum(len(message) > MAX_MESSAGE for message in messages) == 1
    with pytest.raises(TooLarge):
        fitted(event(properties={"pad": "x" * 1_000_000}))
