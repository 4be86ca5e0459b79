"""Whether messages that the log does not have continue its chain: then the log is what is wrong.

A stranger's message carries no proof. One that does was recorded here once: this log is an older
copy, or was altered, and the bus has the only other copy of what it has lost.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import BrokenChain, Entry, Link, follow
from contracts.cloud_events import decode_cloud_event, entry_of
from services.command.bus.facts_bus import FactsBus
from services.command.bus.messages import StoredMessage, stored_message, stored_messages
from services.common.log.positions import hash_at, link_before

# So many messages are proof enough.
MOST_LOOKED_AT = 1000


async def first_difference(bus: FactsBus, first: int, last: int) -> int:
    """Where the bus begins to differ from the log, which it does at `last`.

    By halves: two histories are the same up to a place, and differ from there on.
    """
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        seen = middle
        while (same := await _is_same(bus, seen)) is None and seen > low:
            seen -= 1
        if same is False:
            high = seen
        else:
            low = middle + 1
    return low


async def _is_same(bus: FactsBus, position: int) -> bool | None:
    """None: the entry was erased, and its message went with it, so that neither tells."""
    message = await stored_message(bus.client, bus.name, position)
    entry = await hash_at(bus.pool, position)
    if message is None or entry is None:
        return None if message is None and entry is not None and entry.erased else False
    return message.hash == entry.hash.hex()


async def is_another_history(bus: FactsBus, first: int, last: int, head: int) -> bool:
    """Whether the messages from `first` on follow the log's entries before it.

    Where the log has other entries there, all of them must: a single message among the log's own
    is somebody's forgery. Beyond the log's head the first one is enough, whatever comes behind it.
    """
    up_to = min(last, first + MOST_LOOKED_AT - 1)
    messages = await stored_messages(bus.client, bus.name, first, up_to)
    if first <= head and (not messages or messages[0].sequence != first):
        return False
    links: dict[int, Link] = {}
    expected = first
    for message in messages:
        entry = decoded(message)
        if entry is None:
            return False
        if entry.team_id not in links:
            links[entry.team_id] = await link_before(bus.pool, entry.team_id, first)
        # Behind a hole in the stream, only an entry's own word for what it follows is left.
        whole = message.sequence == expected
        before = links[entry.team_id] if whole else Link(entry.team_seq - 1, entry.previous)
        try:
            links[entry.team_id] = follow(before, entry)
        except BrokenChain:
            return False
        if first > head:
            return True
        expected = expected + 1 if whole else 0
    return bool(messages)


def decoded(message: StoredMessage) -> Entry | None:
    """The entry that the message is; None: it is none, or not in its place."""
    entry: Entry | None
    try:
        entry = entry_of(decode_cloud_event(message.data))
    except (msgspec.DecodeError, ValueError):
        entry = _of_format_one(message.data)
    if entry is None or entry.hash.hex() != message.hash:
        return None
    if entry.position != message.sequence:
        # Its hash tells whether it was written in another log, or is in another's place.
        return replace(entry, position=message.sequence, origin_position=entry.position)
    return entry


class _FormatOne(msgspec.Struct):
    """A fact as it was published before CloudEvents."""

    position: int
    stream_id: UUID
    version: int
    name: str
    team_id: int
    team_seq: int
    at: datetime
    actor: Raw
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    event: Raw
    salt: bytes
    commitment: bytes
    hash: bytes


def _of_format_one(data: bytes) -> Entry | None:
    """It does not say what it follows: behind a hole it proves nothing."""
    try:
        old = msgspec.json.decode(data, type=_FormatOne)
    except msgspec.DecodeError:
        return None
    return Entry(subject="", previous=b"", **{f: getattr(old, f) for f in old.__struct_fields__})
