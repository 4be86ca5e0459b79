"""The log after PostgreSQL was failed over: held against the public stream, and put right by it.

A standby that took over may lack the log's last entries; the stream, which had them, is the only
other copy. Nothing is appended until this has compared the two, see `services.common.log.timeline`.
"""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from nats.js.errors import NotFoundError

from services.command.bus import rows
from services.command.bus.facts_bus import RECOVERING, FactsBus, alone
from services.command.bus.histories import decoded
from services.command.bus.inspection import OtherHistory, inspect
from services.command.bus.messages import stored_message, stored_messages
from services.common.log.continuing import continuation
from services.common.log.positions import hash_at
from services.common.log.restoring import LogMoved, log_end, put_back, set_verified
from services.common.log.timeline import log_timeline
from services.common.logs import logger

log = logger("recount.relay")


class Recovery(Struct, frozen=True):
    """What the comparison found, and did.

    busy: another process is at it. verified: the log is the one that the stream knows, since before
    or after `put_back` entries were put back behind `head`. forked: they differ, for this `reason`.
    head, last: positions of the log and of the stream, as they were found.
    """

    outcome: Literal["busy", "verified", "forked"]
    head: int = 0
    last: int = 0
    put_back: int = 0
    reason: str | None = None


async def recover(
    bus: FactsBus,
    *,
    asked: bool = False,
    crash_at: Callable[[str], None] = lambda point: None,
) -> Recovery:
    """asked: by a person, whatever timeline the log was verified on. Raises what AWAY names."""
    async with alone(bus, RECOVERING) as ours:
        if not ours:
            return Recovery("busy")
        if not asked and (await log_timeline(bus.pool)).is_verified:
            return Recovery("verified")
        while True:
            try:
                return await _recover(bus, crash_at)
            except LogMoved:
                continue


async def stream_last(bus: FactsBus) -> int:
    """The stream's last position; 0 without a stream."""
    try:
        return (await bus.client.jetstream().stream_info(bus.name)).state.last_seq
    except NotFoundError:
        return 0


async def _recover(bus: FactsBus, crash_at: Callable[[str], None]) -> Recovery:
    last, head = await stream_last(bus), await bus.store.head()
    if last <= head:
        found = await inspect(bus, await rows.stream_row(bus))
        if isinstance(found, OtherHistory):
            return _forked(head, last, 0, found.reason)
        # A stream that is damaged, or gone, tells nothing against the log.
        await set_verified(bus.pool, head)
        log.warning("log_verified", position=head, stream_position=last)
        return Recovery("verified", head, last)
    if (other := await _differs_before(bus, head)) is not None:
        return _forked(head, last, 0, other)
    messages = await stored_messages(bus.client, bus.name, head + 1, last)
    entries = []
    reason = None if messages and messages[-1].sequence == last else f"position {last} is not there"
    for message in messages:
        entry = decoded(message)
        if entry is None:
            reason = f"position {message.sequence} holds no entry"
            break
        entries.append(entry)
    end = await log_end(bus.pool, entries)
    if end.position != head:
        raise LogMoved
    tail = continuation(end, entries)
    tail = replace(tail, reason=tail.reason or reason)
    crash_at("compared")
    count = len(tail.entries)
    if count:
        await put_back(bus.pool, end, tail, crash_at)
        log.critical("log_put_back", first=head + 1, last=head + count)
    if tail.reason is not None:
        where = f"{bus.name} is at {last}, the log at {head + count}"
        return _forked(head, last, count, f"{where}: {tail.reason}")
    return Recovery("verified", head, last, count)


async def _differs_before(bus: FactsBus, head: int) -> str | None:
    """Why the log's own last entry is not the stream's; None: it is, or the stream begins later."""
    if not head:
        return None
    message = await stored_message(bus.client, bus.name, head)
    entry = await hash_at(bus.pool, head)
    if message is None or entry is None or message.hash == entry.hash.hex():
        return None
    return f"{bus.name} has another entry at {head}"


def _forked(head: int, last: int, count: int, reason: str) -> Recovery:
    return Recovery("forked", head, last, count, reason)
