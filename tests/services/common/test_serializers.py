"""What of a body is taken without the white space around it, and what is left as it came."""

import msgspec
import pytest

from contracts.api.insights import WriteInsight
from contracts.api.shared import Unlock
from services.common.trimmed import trimmed

KEPT = [
    b'{"name": "A", "tags": ["b"]}',
    b'{"derived_name": " as given ", "query": {"name": " deep "}, "unknown": " x "}',
    b'{"name": null, "description": 5, "tags": {"a": " b "}}',
    b'{"tags": [1, null, "b"]}',
    b'[" a "]',
    b'{"name": " a ',
    b'{"name": "\xff "}',
]


@pytest.mark.parametrize("body", KEPT)
def test_a_body_without_such_white_space_stays_byte_for_byte(body: bytes) -> None:
    assert trimmed(body, WriteInsight) == body


def test_texts_are_trimmed_alone_and_in_lists_and_the_rest_is_not_touched() -> None:
    body = b'{"query": {"a": 1.0,  "b": " "}, "name": "\\u2003A b\\n", "tags": [" x ", 1, ""]}'
    found = msgspec.json.decode(trimmed(body, WriteInsight), type=dict[str, msgspec.Raw])
    assert {name: bytes(value) for name, value in found.items()} == {
        "query": b'{"a": 1.0,  "b": " "}',
        "name": b'"A b"',
        "tags": b'["x",1,""]',
    }


def test_a_password_is_what_was_sent() -> None:
    body = b'{"password": " secret "}'
    assert trimmed(body, Unlock) == body
