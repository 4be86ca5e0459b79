"""What no text may hold that comes to us, and which field is named for it."""

import pytest

from services.common.http.problems import Rejected
from services.common.http.storable import charset_of, storable_json, storable_pairs

SMILE = "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        (b'{"name": "caf\x97"}', "name"),
        (b'{"a": "\xc3\xa9", "filters": {"note": ["\xff"]}}', "filters"),
        (b'{"filters": {"\xff": 1}}', "filters"),
        (b'{"ab\xff": 1}', "ab"),
        (b'{"name": "\xed\xa0\xbd"}', "name"),
        (b'["\xff"]', None),
        (b'{"name": "\xff', None),
        (b"\xff", None),
    ],
)
def test_bytes_that_are_no_utf8_are_told_by_the_field_they_stand_in(
    body: bytes, attr: str | None
) -> None:
    with pytest.raises(Rejected) as refused:
        storable_json(body)
    assert (refused.value.status, refused.value.problem.attr) == (400, attr)
    assert refused.value.problem.code == "invalid_input"


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        (rb'{"a": "\u0000"}', "a", "null_characters_not_allowed"),
        (rb'{"a": 1, "b": {"c": ["x\u0000"]}}', "b", "null_characters_not_allowed"),
        (rb'{"c\u0000d": 1}', "cd", "null_characters_not_allowed"),
        (b'{"a": "x\x00"}', "a", "null_characters_not_allowed"),
        (rb'{"a": "\ud83d"}', "a", "invalid_input"),
        (rb'{"b": 1, "a": {"c": "\ude00\ud83d"}}', "a", "invalid_input"),
        (rb'{"a": {"\udfff": "x"}}', "a", "invalid_input"),
        (rb'{"a": "\\\ud800"}', "a", "invalid_input"),
        (rb'{"a": "\uD83D\uD83D\uDE00"}', "a", "invalid_input"),
    ],
)
def test_a_nul_and_half_a_surrogate_pair_are_told_by_their_field(
    body: bytes, attr: str, code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        storable_json(body)
    assert (refused.value.problem.attr, refused.value.problem.code) == (attr, code)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": "\\u0000"}',
        rb'{"a": "\\ud800"}',
        rb'{"a": "\ud83d\ude00"}',
        rb'{"a": "\uD83D\uDE00\\"}',
        '{"a": "ü"}'.encode(),
        b"{",
        b"",
    ],
)
def test_what_only_looks_so_stays_as_it_is(body: bytes) -> None:
    assert storable_json(body) == body


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json", "utf-8"),
        ("application/json; charset=latin-1", "iso8859-1"),
        ('application/json; x=y; Charset="ISO-8859-1"', "iso8859-1"),
        ("application/json; charset=UTF-16", "utf-16"),
        ("application/json; charset=nonsense", "utf-8"),
        ("application/json; charset=zlib", "utf-8"),
        ("application/json; charset=punycode", "utf-8"),
        ("application/json; charset=", "utf-8"),
        ("application/json; charset=\0", "utf-8"),
    ],
)
def test_a_charset_is_what_the_label_says_if_it_is_one_of_text(
    content_type: str, charset: str
) -> None:
    assert charset_of(content_type) == charset


def test_a_body_in_another_charset_is_read_as_it_is_labelled() -> None:
    text = '{"name": "é"}'
    for charset in ("iso8859-1", "utf-16", "cp1252"):
        assert storable_json(text.encode(charset), charset) == text.encode()
    assert storable_json(b"\xef\xbb\xbf" + text.encode()) == text.encode()


def test_a_field_of_a_query_string_is_named() -> None:
    for sent, attr, code in (
        (b"a=1&search=%ff", "search", "invalid_input"),
        (b"%ff=1", "\ufffd", "invalid_input"),
        (b"search=a%00b", "search", "null_characters_not_allowed"),
        (b"tags=%5B%22%5Cu0000%22%5D", "tags", "null_characters_not_allowed"),
    ):
        with pytest.raises(Rejected) as refused:
            storable_pairs(sent)
        assert (refused.value.problem.attr, refused.value.problem.code) == (attr, code)


def test_broken_escapes_of_a_query_string_are_the_characters_they_are() -> None:
    sent = f"a=%zz&b=%&c=%2&d=+&e={SMILE}&=&f".encode()
    assert storable_pairs(sent) == [
        ("a", "%zz"), ("b", "%"), ("c", "%2"), ("d", " "), ("e", SMILE), ("", ""), ("f", ""),
    ]  # fmt: skip
    assert storable_pairs(rb"search=\u0000") == [("search", r"\u0000")]
