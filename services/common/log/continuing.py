"""Whether entries from elsewhere continue the log, each of them whole and proved. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from contracts.chain import BEGINNING, PAYLOAD_ERASED, BrokenChain, Entry, Link, follow
from contracts.events.streams import Stream, StreamKind
from contracts.json import is_null


class LogEnd(Struct, frozen=True):
    """Where the log ends. at: the time of the last entry that was written in it.

    links: projects' chains; versions: streams' heads; both of those that the entries are of, and
    absent at their beginning.
    """

    position: int
    at: datetime
    links: dict[int, Link]
    versions: dict[UUID, int]


class Continuation(Struct, frozen=True):
    """entries: those that continue the log, perhaps none. links: where they leave the chains.

    reason: why the one behind them does not; None: all do.
    """

    entries: Sequence[Entry]
    links: dict[int, Link]
    reason: str | None


class _NotOurs(Exception):
    """Why an entry does not continue the log."""


def continuation(end: LogEnd, entries: Sequence[Entry]) -> Continuation:
    """The entries up to the first that does not continue what is before it."""
    position, at = end.position, end.at
    links, versions = dict(end.links), dict(end.versions)
    for number, entry in enumerate(entries):
        try:
            _check(entry, position, at, versions.get(entry.stream_id, 0))
            links[entry.team_id] = follow(links.get(entry.team_id, BEGINNING), entry)
        except (_NotOurs, BrokenChain) as cause:
            return _with_links(end, entries[:number], str(cause))
        position = entry.position
        # Times rise along what was written here, as `services.common.log.verify` has it.
        at = entry.at if entry.origin_position is None else at
        versions[entry.stream_id] = entry.version
    return _with_links(end, entries, None)


def _check(entry: Entry, position: int, at: datetime, version: int) -> None:
    here = f"position {entry.position}"
    if entry.position != position + 1:
        raise _NotOurs(f"position {position + 1} is not there")
    if is_null(entry.event):
        raise _NotOurs(f"{here}: its payload was too large for the bus")
    if not entry.salt:
        raise _NotOurs(f"{here}: its payload was erased")
    if entry.name == PAYLOAD_ERASED:
        raise _NotOurs(f"{here}: it tells of an erasure, which would have to be done again")
    if entry.version != version + 1:
        raise _NotOurs(f"{here}: version does not follow")
    if entry.origin_position is None and entry.at <= at:
        raise _NotOurs(f"{here}: its time does not follow")
    if entry.stream_id != _stream_id(entry):
        raise _NotOurs(f"{here}: its subject is of another stream")


def _stream_id(entry: Entry) -> UUID | None:
    """Of the subject, which no hash covers."""
    kind, _, number = entry.subject.partition("/")
    try:
        return Stream(StreamKind(kind), entry.team_id, int(number)).id
    except ValueError:
        return None


def _with_links(end: LogEnd, entries: Sequence[Entry], reason: str | None) -> Continuation:
    links = {entry.team_id: Link(entry.team_seq, entry.hash) for entry in entries}
    return Continuation(entries, links, reason)
