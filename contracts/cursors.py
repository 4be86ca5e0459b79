"""Cursors: how far a subscriber has come in a project's facts.

`510`, or `510-339a3c39db0164c8` with the first 16 hexadecimal digits of that entry's hash: "I have
all up to here". Every answer gives the long form; every parameter takes both, and `now`, the head.
"""

import re

import msgspec

from contracts.chain import Link

HASH_DIGITS = 16
NOW = "now"

# An event's own `sequence`, with its leading zeros, is a cursor too.
_CURSOR = re.compile(rf"(?P<sequence>[0-9]{{1,20}})(?:-(?P<hash>[0-9a-f]{{{HASH_DIGITS}}}))?")


class Cursor(msgspec.Struct, frozen=True):
    """sequence: of the last entry that is had; 0: none. hash_prefix: of its hash, if it is told."""

    sequence: int
    hash_prefix: str | None = None


class MalformedCursor(ValueError):
    """A text that is no cursor."""


def parse_cursor(text: str) -> Cursor:
    """Of a cursor in either form; `now` is none. Raises MalformedCursor."""
    spelled = _CURSOR.fullmatch(text)
    if spelled is None:
        raise MalformedCursor(f"{text!r} is no cursor: 510 and 510-339a3c39db0164c8 are")
    return Cursor(int(spelled["sequence"]), spelled["hash"])


def cursor_text(sequence: int, hash_: bytes) -> str:
    """The long form. hash_: of the entry; 32 zero bytes before the first."""
    return f"{sequence}-{hash_.hex()[:HASH_DIGITS]}"


def link_text(link: Link) -> str:
    """The long form of the cursor at the end of a chain."""
    return cursor_text(link.team_seq, link.hash)
