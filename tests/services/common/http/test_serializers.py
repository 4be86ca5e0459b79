"""Values as PostHog's serializers take them, and what is left as it came."""

from typing import Any

import msgspec
import pytest

from contracts.api.actions import WriteAction
from contracts.api.dashboards import WriteDashboard
from contracts.api.insights import WriteInsight
from contracts.api.shared import Unlock
from services.common.http.serializers import form_members, taken

KEPT = [
    b'{"name": "A", "tags": ["b"], "favorited": true, "order": 1, "dashboards": [1]}',
    b'{"derived_name": " as given ", "query": {"name": " deep ", "n": 5}, "unknown": " x "}',
    b'{"name": null, "description": true, "tags": {"a": " b "}, "favorited": null}',
    b'{"name": [], "favorited": "perhaps", "order": "1.5", "dashboards": ["x", true]}',
    b'{"favorited": " true ", "order": true, "saved": 2, "deleted": ""}',
    b'{"tags": [true, null, "b", []]}',
    b'[" a "]',
    b'{"name": " a ',
    b'{"name": "\xff "}',
]


def read(body: bytes, kind: type[msgspec.Struct] = WriteInsight) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(taken(body, kind))
    return found


@pytest.mark.parametrize("body", KEPT)
def test_a_body_in_which_nothing_is_to_be_done_stays_byte_for_byte(body: bytes) -> None:
    assert taken(body, WriteInsight) == body


def test_texts_are_trimmed_alone_and_in_lists_and_the_rest_is_not_touched() -> None:
    body = b'{"query": {"a": 1.0,  "b": " "}, "name": "\\u2003A b\\n", "tags": [" x ", 1, ""]}'
    found = msgspec.json.decode(taken(body, WriteInsight), type=dict[str, msgspec.Raw])
    assert {name: bytes(value) for name, value in found.items()} == {
        "query": b'{"a": 1.0,  "b": " "}',
        "name": b'"A b"',
        "tags": b'["x","1",""]',
    }


def test_a_password_is_what_was_sent() -> None:
    body = b'{"password": " secret "}'
    assert taken(body, Unlock) == body


@pytest.mark.parametrize(
    ("sent", "text"),
    [("2024", "2024"), ("1.5", "1.5"), ("1.0", "1.0"), ("-7", "-7"), ("0", "0"), ("1e3", "1000.0")],
)
def test_a_number_for_a_text_is_its_digits(sent: str, text: str) -> None:
    assert read(b'{"name": %s, "derived_name": %s}' % (sent.encode(), sent.encode())) == {
        "name": text,
        "derived_name": text,
    }


@pytest.mark.parametrize("word", ["t", "T", "y", "yes", "YES", "true", "True", "on", "ON", "1"])
def test_words_for_yes_are_true(word: str) -> None:
    assert read(msgspec.json.encode({"favorited": word})) == {"favorited": True}


@pytest.mark.parametrize("word", ["f", "F", "n", "no", "NO", "false", "False", "off", "Off", "0"])
def test_words_for_no_are_false(word: str) -> None:
    assert read(msgspec.json.encode({"favorited": word})) == {"favorited": False}


def test_one_and_nought_are_booleans_and_other_numbers_are_not() -> None:
    body = b'{"favorited": 1, "saved": 0.0, "deleted": 1.0}'
    assert read(body) == {"favorited": True, "saved": False, "deleted": True}
    assert read(b'{"favorited": 2}') == {"favorited": 2}


@pytest.mark.parametrize(
    ("sent", "number"), [("5", 5), (" 5 ", 5), ("-5", -5), ("5.0", 5), ("5.", 5), ("+5", 5)]
)
def test_text_for_a_whole_number_is_the_number(sent: str, number: int) -> None:
    body = msgspec.json.encode({"order": sent, "dashboards": [sent]})
    assert read(body) == {"order": number, "dashboards": [number]}


def test_a_number_of_more_digits_than_anybody_writes_is_left_as_text() -> None:
    assert read(msgspec.json.encode({"order": "1" * 1001})) == {"order": "1" * 1001}


def test_what_stands_in_lists_of_objects_is_taken_alike_and_their_documents_are_kept() -> None:
    body = b'{"tiles": [{"id": "4", "deleted": "", "layouts": {"sm": {"x": 1.0}}}]}'
    assert taken(body, WriteDashboard) == (
        b'{"tiles":[{"id":4,"deleted":null,"layouts":{"sm": {"x": 1.0}}}]}'
    )
    steps = read(b'{"steps": [{"event": 5, "properties": [{"key": 1}]}]}', WriteAction)
    assert steps == {"steps": [{"event": "5", "properties": [{"key": 1}]}]}
    assert read(b'{"restriction_level": "37"}', WriteDashboard) == {"restriction_level": 37}


def test_a_form_spells_lists_as_json_or_by_repeating_their_name() -> None:
    for fields in (
        [("tags", '["a", "b"]'), ("dashboards", "[1, 2]")],
        [("tags", "a"), ("dashboards", "1"), ("tags", "b"), ("dashboards", "2")],
    ):
        body = msgspec.json.encode(form_members(fields, WriteInsight))
        assert read(body) == {"tags": ["a", "b"], "dashboards": [1, 2]}
    assert form_members([("tags", "a")], WriteInsight) == {"tags": ["a"]}


def test_a_text_of_a_form_is_never_json_and_the_last_of_several_counts() -> None:
    fields = [("name", "[1]"), ("name", "null"), ("description", "{}"), ("filters", '{"a": 1}')]
    body = msgspec.json.encode(form_members(fields, WriteInsight))
    assert read(body) == {"name": "null", "description": "{}", "filters": {"a": 1}}


def test_an_empty_value_of_a_form_is_null_where_there_is_a_null_and_else_not_sent() -> None:
    fields = [("name", ""), ("order", ""), ("favorited", ""), ("tags", ""), ("query", "")]
    assert form_members(fields, WriteInsight) == {"name": "", "order": None}
