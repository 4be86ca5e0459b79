"""A change of a document is taken back on the document as it is now, place by place."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from domain.history.documents import Verdict, differ_at, reverse, same_document

SIGNED_UP = {"kind": "EventsNode", "event": "signed_up"}
PAID = {"kind": "EventsNode", "event": "paid"}
REFUND = {"kind": "EventsNode", "event": "refund"}
CHROME = {"key": "$browser", "type": "event", "operator": "exact", "value": ["Chrome"]}
GERMANY = {"key": "$country", "type": "event", "operator": "exact", "value": ["DE"]}


def outcome(found: Any, left: Any, now: Any) -> tuple[Any, list[tuple[str, Verdict]]]:
    """The document that results, and the verdict on each place."""
    reversal = reverse(doc(found), doc(left), doc(now))
    places = [(place.path, place.verdict) for place in reversal.places]
    return msgspec.json.decode(reversal.document), places


def doc(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def test_other_parts_that_changed_later_are_kept() -> None:
    assert outcome(
        {"a": 1, "b": {"c": 1, "d": 1}}, {"a": 1, "b": {"c": 2, "d": 1}}, {"a": 5, "b": {"c": 2}}
    ) == ({"a": 5, "b": {"c": 1}}, [("/b/c", "free")])


def test_members_that_came_go_and_members_that_went_come_back() -> None:
    assert outcome({"a": 1}, {"b": 2}, {"b": 2, "x": 0}) == (
        {"x": 0, "a": 1},
        [("/b", "free"), ("/a", "free")],
    )


@pytest.mark.parametrize(
    ("found", "left", "now", "path"),
    [
        ({"a": 1}, {"a": 2}, {"a": 3}, "/a"),
        ({"a": 1}, {"a": 2}, {}, "/a"),
        ({}, {"a": {"x": 1}}, {"a": {"x": 2}}, "/a"),
        ({"a": 1}, {}, {"a": 2}, "/a"),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": None}, "/a"),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {}, "/a"),
        ({"a/b": {"c~": 1}}, {"a/b": {"c~": 2}}, {"a/b": {"c~": 3}}, "/a~1b/c~0"),
        ({"a": 1}, None, {"a": 2}, ""),
    ],
)
def test_a_place_with_a_third_value_is_a_conflict(
    found: Any, left: Any, now: Any, path: str
) -> None:
    assert outcome(found, left, now) == (now, [(path, "conflict")])


def test_a_place_that_is_as_it_was_found_is_undone_already() -> None:
    assert outcome({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}) == (
        {"a": 1, "b": 1},
        [("/a", "already"), ("/b", "free")],
    )
    assert outcome({"a": 1}, {}, {"a": 1, "b": 1}) == ({"a": 1, "b": 1}, [("/a", "already")])


def test_what_is_free_goes_back_beside_what_is_not() -> None:
    assert outcome({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 2}) == (
        {"a": 3, "b": 1},
        [("/a", "conflict"), ("/b", "free")],
    )


def test_the_same_elements_that_changed_inside_are_places_of_their_own() -> None:
    assert outcome(
        [SIGNED_UP, PAID], [SIGNED_UP, PAID | {"x": 1}], [SIGNED_UP | {"y": 2}, PAID | {"x": 1}]
    ) == ([SIGNED_UP | {"y": 2}, PAID], [("/1/x", "free")])


@pytest.mark.parametrize(
    "now",
    [
        [SIGNED_UP, REFUND, PAID | {"x": 1}],
        [PAID | {"x": 1}],
        [PAID | {"x": 1}, SIGNED_UP],
        [REFUND, PAID | {"x": 1}],
    ],
    ids=["one more", "one less", "moved", "another"],
)
def test_a_list_on_the_way_with_other_elements_or_another_order_is_a_conflict(now: Any) -> None:
    found, left = [SIGNED_UP, PAID], [SIGNED_UP, PAID | {"x": 1}]
    assert outcome({"s": found}, {"s": left}, {"s": now}) == ({"s": now}, [("/s", "conflict")])


def test_repeated_elements_on_the_way_must_be_as_they_were_left() -> None:
    found = [PAID, SIGNED_UP, PAID]
    left = [PAID | {"x": 1}, SIGNED_UP, PAID]
    assert outcome(found, left, left) == (found, [("/0/x", "free")])
    now = [PAID | {"x": 1}, SIGNED_UP, PAID | {"y": 2}]
    assert outcome(found, left, now) == (now, [("", "conflict")])


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([SIGNED_UP], [SIGNED_UP, PAID]),
        ([SIGNED_UP, PAID], [SIGNED_UP]),
        ([SIGNED_UP, PAID], [PAID, SIGNED_UP]),
        ([SIGNED_UP, PAID], [SIGNED_UP, REFUND]),
        (["a", "b"], ["a", "c"]),
        ([[1], 2], [[3], 2]),
        ([{"x": 1}], [{"x": 2}]),
        ([CHROME | {"type": "event"}], [CHROME | {"type": "person"}]),
    ],
    ids=["came", "went", "moved", "became", "text", "list", "nameless", "type"],
)
def test_a_list_whose_elements_are_not_the_same_any_more_is_one_place(
    found: Any, left: Any
) -> None:
    assert outcome(found, left, left) == (found, [("", "free")])
    assert outcome(found, left, found) == (found, [("", "already")])
    now = [*left, {"more": True}]
    assert outcome(found, left, now) == (now, [("", "conflict")])


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        (SIGNED_UP, PAID, {"custom_name": "x"}),
        ({"kind": "ActionsNode", "id": 5}, {"kind": "ActionsNode", "id": 6}, {"math": "dau"}),
        ({"id": "paid", "type": "events"}, {"id": "5", "type": "actions"}, {"order": 1}),
        (CHROME, GERMANY, {"operator": "is_not"}),
        ({"type": "AND", "values": [CHROME]}, {"type": "AND", "values": [GERMANY]}, {"n": 1}),
        (
            {"kind": "GroupNode", "nodes": [PAID]},
            {"kind": "GroupNode", "nodes": [REFUND]},
            {"operator": "OR"},
        ),
        ({"property": "$browser"}, {"property": "plan"}, {"histogram_bin_count": 3}),
        ({"kind": "EventsNode"}, PAID, {"custom_name": "anything"}),
    ],
    ids=["event", "action", "legacy", "filter", "group", "step group", "breakdown", "any event"],
)
def test_elements_are_told_apart_by_event_action_or_key(one: Any, other: Any, more: Any) -> None:
    result, places = outcome([one, other], [one | more, other], [one | more, other | {"z": 1}])
    assert result == [one, other | {"z": 1}]
    assert {verdict for _, verdict in places} == {"free"}


def test_what_was_undone_inside_a_list_stays_undone_when_the_list_grows() -> None:
    found, left = [SIGNED_UP, PAID], [SIGNED_UP, PAID | {"x": 1}]
    now = [REFUND, PAID, SIGNED_UP]
    assert outcome(found, left, now) == (now, [("", "already")])
    # It can't be told which of the two it was.
    twice = [SIGNED_UP, PAID, PAID]
    assert outcome(found, left, twice) == (twice, [("", "conflict")])


def test_a_change_of_what_nothing_holds_any_more_is_a_conflict() -> None:
    assert outcome([SIGNED_UP, PAID], [SIGNED_UP, PAID | {"x": 1}], [SIGNED_UP]) == (
        [SIGNED_UP],
        [("", "conflict")],
    )


def test_true_is_not_one_and_key_order_and_spelling_do_not_count() -> None:
    assert not same_document(Raw(b'{"a":true}'), Raw(b'{"a":1}'))
    assert not same_document(Raw(b"[1,2]"), Raw(b"[1]"))
    assert not same_document(Raw(b'{"a":1}'), Raw(b'{"a":1,"b":null}'))
    assert same_document(Raw(b'{"a":1,"b":[2.0]}'), Raw(b'{"b":[2],"a":1.0}'))
    assert outcome({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": True}) == (
        {"a": 1, "b": True},
        [("/a", "free")],
    )


def test_numbers_are_kept_as_they_are_spelled() -> None:
    precise, huge = b"0.12345678901234567890", b"123456789012345678901234567890"
    reversal = reverse(
        Raw(b'{"a":%b,"c":1}' % precise),
        Raw(b'{"a":2,"c":1}'),
        Raw(b'{"a":2,"b":%b,"c":7}' % huge),
    )
    assert bytes(reversal.document) == b'{"a":%b,"b":%b,"c":7}' % (precise, huge)


def test_what_nobody_touched_since_comes_back_as_it_was_sent() -> None:
    found = Raw(b'{"z":1.50,"a":[1e3]}')
    assert reverse(found, Raw(b'{"a":[],"z":2}'), Raw(b'{"z":2.0,"a":[]}')).document is found
    now = Raw(b'{"a":1, "b":1}')
    assert reverse(Raw(b'{"a":0}'), Raw(b'{"a":2}'), now).document is now


def test_places_are_looked_up_by_their_path() -> None:
    one = doc({"a/b": [{"c~": 1}], "d": None})
    assert differ_at("/a~1b/0/c~0", one, doc({"a/b": [{"c~": 2}]}))
    assert not differ_at("/a~1b/0/c~0", one, doc({"a/b": [{"c~": 1}, 2]}))
    assert differ_at("/a~1b/1", one, doc({"a/b": [{}, 2]}))
    assert differ_at("/d", one, doc({}))
    assert not differ_at("/d/e", one, doc(5))
    assert differ_at("", one, doc({}))
