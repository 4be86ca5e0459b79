"""The public stream as it describes itself, held against the log: whole, damaged, or not ours.

Four numbers and one hash, so it is asked all the time. A message that the server counts and can't
read is not seen here: the sweep finds it.
"""

from datetime import timedelta

from msgspec import Struct
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from services.command.bus.facts_bus import FactsBus
from services.command.bus.histories import first_difference, is_another_history
from services.command.bus.messages import stored_message
from services.command.bus.rows import StreamRow
from services.common.log.positions import erased_between, hash_at, is_older
from services.common.stream import FACTS_FORMAT, FORMAT_KEY

# Server and database may have different clocks.
_CLOCKS = timedelta(minutes=5)
# A message's headers, subject and record, which the limit of bytes counts.
_AROUND = 4096


class Missing(Struct, frozen=True):
    """There is no stream, and never was one."""


class Whole(Struct, frozen=True):
    """Everything from `first` to `published` is there, as far as the server knows."""

    first: int
    published: int


class Damaged(Struct, frozen=True):
    """To be made anew. holes: positions that are missing or hold something else.

    written_by_others: somebody else published here.
    """

    reason: str
    holes: int = 0
    written_by_others: bool = False


class OtherHistory(Struct, frozen=True):
    """It holds entries that follow the log's and are not in it: a person has to decide."""

    reason: str


Finding = Missing | Whole | Damaged | OtherHistory


async def inspect(bus: FactsBus, known: StreamRow | None) -> Finding:
    """known: what is remembered of the stream."""
    try:
        info = await bus.client.jetstream().stream_info(bus.name)
    except NotFoundError:
        if known is None or not known.published:
            return Missing()
        return Damaged("there is no such stream", known.published)
    # After the stream: what is published is in the log by then.
    head = await bus.store.head()
    last = info.state.last_seq
    if (other := await _other_entries(bus, info, head)) is not None:
        return other
    if (info.config.metadata or {}).get(FORMAT_KEY) != FACTS_FORMAT:
        return Damaged("its messages are of an older format")
    if last == 0 and known is not None and known.published:
        return Damaged("it is empty", known.published)
    if holes := await _holes(bus, info, known):
        return Damaged(f"{holes} of its {last} messages are gone", holes)
    if known is not None and known.hole is not None:
        return await _swept(bus, known.hole, known.holes, last, head)
    return Whole(max(info.state.first_seq, 1), last)


async def _other_entries(bus: FactsBus, info: StreamInfo, head: int) -> Finding | None:
    """What the last message says, and what lies beyond the log's head; None: nothing else."""
    first, last = max(info.state.first_seq, 1), info.state.last_seq
    common = min(last, head)
    differs: int | None = None
    if common >= first:
        message = await stored_message(bus.client, bus.name, common)
        entry = await hash_at(bus.pool, common)
        if message is None and entry is not None and not entry.erased and last <= head:
            return Damaged(f"its last message, {common}, is gone", 1)
        if message is not None and entry is not None and message.hash != entry.hash.hex():
            differs = await first_difference(bus, first, common)
    if differs is None and last > head and info.state.messages:
        differs = max(head + 1, first)
    if differs is None:
        return None
    if await is_another_history(bus, differs, last, head):
        what = f"the log at {head}" if differs > head else f"the log differs from {differs} on"
        return OtherHistory(f"{bus.name} is at {last}, {what}")
    what = f"from {differs} on it holds what the log does not"
    return Damaged(what, last - differs + 1, written_by_others=True)


async def _swept(bus: FactsBus, hole: int, holes: int, last: int, head: int) -> Finding:
    """What the sweep found: a message that is missing or another one, or an altered log."""
    if await is_another_history(bus, hole, last, head):
        return OtherHistory(f"{bus.name} is at {last}, the log differs from {hole} on")
    return Damaged(f"its message {hole} can't be read, or is not the log's", holes)


async def _holes(bus: FactsBus, info: StreamInfo, known: StreamRow | None) -> int:
    """How many positions between the first that is kept and the last have wrongly no message."""
    state = info.state
    first, last = max(state.first_seq, 1), state.last_seq
    if first > 1 and (_began_there(bus, first, known) or await _is_trimmed(bus, info)):
        missing = last - first + 1 - state.messages
    else:
        missing, first = last - state.messages, 1
    if missing <= 0:
        return 0
    return max(missing - await erased_between(bus.pool, first, last), 0)


def _began_there(bus: FactsBus, first: int, known: StreamRow | None) -> bool:
    """Whether it was made with no earlier message, for the limits that it has today."""
    return (
        known is not None
        and first <= known.first
        and (known.keep_days, known.keep_bytes) == (bus.keep.days, bus.keep.bytes)
    )


async def _is_trimmed(bus: FactsBus, info: StreamInfo) -> bool:
    """Whether the stream's limits explain that its first messages are gone."""
    config, state = info.config, info.state
    if config.max_bytes is not None and config.max_bytes > 0:
        room = bus.client.max_payload + _AROUND
        if state.bytes + room > config.max_bytes:
            return True
    if config.max_age:
        age = timedelta(seconds=config.max_age) - _CLOCKS
        return await is_older(bus.pool, state.first_seq - 1, age)
    return False
