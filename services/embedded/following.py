"""Following a project's facts over HTTP: each is checked against the one before it.

Nothing is lost when the connection is: the last cursor is all that is needed to go on.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

from contracts.chain import BrokenChain, Link, follow
from contracts.cloud_events import decode_cloud_event, entry_of
from contracts.cursors import Cursor, parse_cursor
from services.embedded.refusal import CannotStart

# A server sends at least a comment in a quarter of a minute.
_SILENCE_SECONDS = 60.0
_AGAIN_SECONDS = 2.0


class ChainDoesNotHold(Exception):
    """An event that is not what was recorded, or does not follow the one before it."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"sequence {sequence}: {reason} does not follow")
        self.sequence = sequence


class Followed(msgspec.Struct, frozen=True):
    """What is followed, and with which key. url: of the server. types: as `types=` takes them."""

    url: str
    key: str
    project: str
    types: str = ""


class Chain:
    """The end of what was seen. Without filters every event must follow the one before it; with
    them each proves itself, and no more.
    """

    def __init__(self, after: Cursor | None, *, whole: bool) -> None:
        self._after = after
        self._whole = whole
        self._link: Link | None = None

    def check(self, event: bytes) -> None:
        """Raises ChainDoesNotHold."""
        entry = entry_of(decode_cloud_event(event))
        before = Link(entry.team_seq - 1, entry.previous)
        if self._whole and not self._follows(before):
            raise ChainDoesNotHold(entry.team_seq, "sequence")
        try:
            follow(before, entry)
        except BrokenChain as broken:
            raise ChainDoesNotHold(entry.team_seq, broken.reason) from broken
        self._link = Link(entry.team_seq, entry.hash)

    def _follows(self, before: Link) -> bool:
        if self._link is not None:
            return before == self._link
        if self._after is None:
            return True
        prefix = self._after.hash_prefix or ""
        return before.team_seq == self._after.sequence and before.hash.hex().startswith(prefix)


def followed(wanted: Followed, after: str, cursor_file: Path | None) -> Iterator[bytes]:
    """Events as they come, for ever; each is checked before it is given, and its cursor is kept in
    the file once the next one is asked for.

    after: a cursor; `now`. The file's goes before it.
    Raises ChainDoesNotHold; CannotStart when the server refuses.
    """
    if cursor_file is not None and cursor_file.exists():
        after = cursor_file.read_text().strip()
    chain = Chain(None if after == "now" else parse_cursor(after), whole=not wanted.types)
    while True:
        try:
            for cursor, event in _connection(wanted, after):
                if event:
                    chain.check(event)
                    yield event
                after = cursor
                if cursor_file is not None:
                    keep(cursor_file, cursor)
        except (httpx.TransportError, _TryAgain):
            pass
        time.sleep(_AGAIN_SECONDS)


class _TryAgain(Exception):
    """The server is not able now."""


def _connection(wanted: Followed, after: str) -> Iterator[tuple[str, bytes]]:
    """The cursor of each frame, and its event; empty for what is none. Ends as the stream does."""
    with httpx.stream(
        "GET",
        f"{wanted.url}/api/projects/{wanted.project}/facts/stream/",
        params={"after": after, **({"types": wanted.types} if wanted.types else {})},
        headers={"Authorization": f"Bearer {wanted.key}"},
        timeout=httpx.Timeout(10.0, read=_SILENCE_SECONDS),
    ) as answer:
        if answer.status_code in (429, 502, 503, 504):
            raise _TryAgain
        if answer.status_code != 200:
            answer.read()
            raise CannotStart(refusal(answer))
        cursor, kind, event = after, b"", b""
        for line in _lines(answer.iter_bytes()):
            name, _, value = line.partition(b": ")
            if name == b"id":
                cursor = value.decode()
            elif name == b"event":
                kind = value
            elif name == b"data":
                event = value
            elif not line:
                yield cursor, b"" if kind.startswith(b"recount.") else event
                kind, event = b"", b""


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole ones. Split here, since httpx also splits at characters that texts may hold."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def refusal(answer: httpx.Response) -> str:
    """What a server's refusal, read whole, says."""
    try:
        told = json.loads(answer.content)
        beside = "".join(
            f" {name}: {told[name]}" for name in ("head", "first", "hash") if name in told
        )
        return f"{answer.status_code} {told['code']}: {told['detail']}{beside}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answered {answer.status_code}"


def keep(file: Path, cursor: str) -> None:
    """The file has the one cursor or the other, whenever the process ends."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.write_text(f"{cursor}\n")
    unfinished.replace(file)
