"""The public stream as a person asks for it: how far it goes, what is missing, who follows it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, assert_never

from msgspec import Struct

from services.command.bus import rows
from services.command.bus.facts_bus import FactsBus
from services.command.bus.inspection import Damaged, Missing, OtherHistory, Whole, inspect
from services.command.bus.publisher import Publisher
from services.command.bus.rebuilding import durable_consumers, floor, rebuild
from services.common.stream import FORMAT_KEY, ask_jetstream

State = Literal["whole", "missing", "damaged", "another_history", "rebuilding"]

_NO_STREAM = frozenset({10059})


class SweepStatus(Struct, frozen=True):
    """position: all up to there was compared with the log. ended_at: the last whole sweep's end."""

    position: int
    ended_at: datetime | None


class ConsumerStatus(Struct, frozen=True):
    """acknowledged: all up to this position. pending: messages that it did not get yet.

    unacknowledged: those that it got.
    """

    name: str
    acknowledged: int
    pending: int
    unacknowledged: int


class StreamStatus(Struct, frozen=True, kw_only=True):
    """first, last: positions that it holds; last is 0, or smaller than first, where it holds none.

    head: the log's last position. holes: positions between first and last that are missing, or are
    not the log's. reason: why it is not whole.
    """

    stream: str
    state: State
    reason: str | None
    format: str | None
    first: int
    last: int
    head: int
    messages: int
    bytes: int
    holes: int
    sweep: SweepStatus
    consumers: list[ConsumerStatus]


async def stream_status(bus: FactsBus) -> StreamStatus:
    """Looks at it as the relay does, and changes nothing."""
    known = await rows.stream_row(bus)
    pending = await rows.rebuild_row(bus)
    found = await inspect(bus, known)
    state, reason, holes = _told(found)
    if pending is not None:
        state, reason = "rebuilding", pending.reason
    info = await ask_jetstream(bus.client, f"STREAM.INFO.{bus.name}", {}, _NO_STREAM)
    numbers = info.get("state", {})
    config = info.get("config", {})
    return StreamStatus(
        stream=bus.name,
        state=state,
        reason=reason,
        format=config.get("metadata", {}).get(FORMAT_KEY),
        first=max(numbers.get("first_seq", 1), 1),
        last=numbers.get("last_seq", 0),
        head=await bus.store.head(),
        messages=numbers.get("messages", 0),
        bytes=numbers.get("bytes", 0),
        holes=holes,
        sweep=SweepStatus(0, None) if known is None else SweepStatus(known.swept, known.swept_at),
        consumers=[
            ConsumerStatus(
                name=one["name"],
                acknowledged=floor(one),
                pending=one["num_pending"],
                unacknowledged=one["num_ack_pending"],
            )
            for one in await durable_consumers(bus)
        ],
    )


async def reset_stream(bus: FactsBus, on_progress: Callable[[int], None]) -> int | None:
    """Make it anew from the log, whatever it holds; the last position. None: it is being made anew
    by another process right now.
    """
    publisher = Publisher(bus)
    asked = "a person asked for it"
    if not await rebuild(bus, publisher, asked, asked=True, on_progress=on_progress):
        return None
    return publisher.published


def _told(found: Missing | Whole | Damaged | OtherHistory) -> tuple[State, str | None, int]:
    match found:
        case Whole():
            return "whole", None, 0
        case Missing():
            return "missing", "there is no stream yet", 0
        case Damaged(reason=reason, holes=holes):
            return "damaged", reason, holes
        case OtherHistory(reason=reason):
            return "another_history", reason, 0
        case _:
            assert_never(found)
