"""Cursors as texts."""

import pytest

from contracts.chain import BEGINNING, Link
from contracts.cursors import Cursor, MalformedCursor, cursor_text, link_text, parse_cursor

HASH = bytes.fromhex("339a3c39db0164c8" + "00" * 24)


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("0", Cursor(0)),
        ("510", Cursor(510)),
        ("00000000000000000510", Cursor(510)),
        ("510-339a3c39db0164c8", Cursor(510, "339a3c39db0164c8")),
        ("99999999999999999999", Cursor(99999999999999999999)),
    ],
)
def test_both_forms_are_read(text: str, cursor: Cursor) -> None:
    assert parse_cursor(text) == cursor


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "-1", "+1", " 1", "1.0", "1-", "510-339a", "510-339A3C39DB0164C8"),
        *("٣", "1-339a3c39db0164c8 ", "1-339a3c39db0164c80", "999999999999999999999", "1\n"),
    ],
)
def test_nothing_else_is_a_cursor(text: str) -> None:
    with pytest.raises(MalformedCursor):
        parse_cursor(text)


def test_the_long_form_is_read_back() -> None:
    assert cursor_text(510, HASH) == link_text(Link(510, HASH)) == "510-339a3c39db0164c8"
    assert parse_cursor(cursor_text(510, HASH)) == Cursor(510, "339a3c39db0164c8")
    assert link_text(BEGINNING) == "0-0000000000000000"
