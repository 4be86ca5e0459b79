"""What goes over a stream of server-sent events, as bytes (HTML Living Standard, 9.2)."""

from typing import Literal

import msgspec

from contracts.chain import Entry, Link
from contracts.cloud_events import encode_cloud_event
from contracts.cursors import cursor_text, link_text

RETRY_MS = 2000
BOOKMARK = "recount.bookmark"
GOODBYE = "recount.goodbye"

Reason = Literal["too_slow", "key_revoked", "hour", "restart"]


class FramedEntry(msgspec.Struct, frozen=True):
    """An entry, its frame, and the place behind it: made once for all who get it."""

    entry: Entry
    frame: bytes
    link: Link


class _Bookmark(msgspec.Struct, frozen=True):
    """sequence: all up to there was looked at. head: of the project, as far as is known."""

    sequence: int
    head: int


class _Goodbye(msgspec.Struct, frozen=True):
    """after: the id to go on from."""

    reason: Reason
    after: str


def framed(entry: Entry, source: str) -> FramedEntry:
    return FramedEntry(entry, event_frame(entry, source), Link(entry.team_seq, entry.hash))


def event_frame(entry: Entry, source: str) -> bytes:
    """A fact. Its JSON has no line break, so it is one line of data."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (
        cursor_text(entry.team_seq, entry.hash).encode(),
        entry.name.encode(),
        encode_cloud_event(entry, source),
    )


def beginning(at: Link) -> bytes:
    """How soon to come back, and from where: an id without data moves the id alone."""
    return f"retry: {RETRY_MS}\nid: {link_text(at)}\n\n".encode()


def bookmark(at: Link, head: int) -> bytes:
    """Moves the id over what the filters left out."""
    data = msgspec.json.encode(_Bookmark(at.team_seq, head))
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (link_text(at).encode(), BOOKMARK.encode(), data)


def still_there(at: Link) -> bytes:
    """A comment, where there is nothing new: the connection lives."""
    return b": %d\n\n" % at.team_seq


def goodbye(at: Link, reason: Reason) -> bytes:
    """The last frame."""
    data = msgspec.json.encode(_Goodbye(reason, link_text(at)))
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (link_text(at).encode(), GOODBYE.encode(), data)
