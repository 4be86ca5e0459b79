"""The public stream made anew from the log: no subscriber loses a fact.

Sequences can't be filled in, so, one process at a time:

1. each durable consumer's configuration and ack floor are kept in `bus_rebuilds`;
2. the stream is deleted;
3. and made, its first sequence the first position that is kept;
4. everything is published;
5. the consumers are made, each behind what it had acknowledged;
6. the row in `bus_rebuilds` goes.

Killed anywhere, the row says where to go on, and whoever looks next does.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from nats.js.errors import NotFoundError
from prometheus_client import Counter

from services.command.bus import rows
from services.command.bus.facts_bus import REBUILDING, FactsBus, alone
from services.command.bus.inspection import Missing, Whole, inspect
from services.command.bus.messages import stored_message
from services.command.bus.publisher import Publisher
from services.command.bus.rows import Consumer, RebuildRow
from services.common.log.positions import first_of_newest, first_younger
from services.common.logs import logger
from services.common.stream import (
    ELSEWHERE,
    PublishRefused,
    ask_jetstream,
    ensure_facts_stream,
)

log = logger("recount.relay")

REBUILDS = Counter("recount_bus_rebuilds", "Times the public stream was made anew from the log.")

_NO_STREAM = frozenset({10059})
# Errors for a consumer of this name: its subscriber has made it meanwhile.
_IS_THERE = frozenset({10013, 10105, 10148})

# Where consumers that begin at a moment have it, by their policy.
_SINCE = {
    "new": "created",
    "last": "created",
    "last_per_subject": "created",
    "by_start_time": "opt_start_time",
}

# What a message takes besides its payload, at the least: too much may be published, as the stream
# drops what is over its limit, but never too little.
_AROUND = 700
# A payload of nearly a message's size may be published without it.
_NEARLY = 8192


async def rebuild(
    bus: FactsBus,
    publisher: Publisher,
    reason: str,
    *,
    asked: bool = False,
    crash_at: Callable[[str], None] = lambda point: None,
    on_progress: Callable[[int], None] = lambda position: None,
) -> bool:
    """Make it anew, or go on with a rebuild that was not ended. False: another process does it.

    asked: by a person, whatever the stream holds. Else it is looked at again first, as another
    process may have ended it just now.
    """
    async with alone(bus, REBUILDING) as ours:
        if not ours:
            return False
        row = await rows.rebuild_row(bus)
        if row is None or asked:
            found = await inspect(bus, await rows.stream_row(bus))
            if isinstance(found, Whole) and not asked:
                return True
            if isinstance(found, Missing):
                log.info("stream_made", stream=bus.name)
            elif not asked:
                log.error("stream_made_anew", stream=bus.name, cause=reason)
                REBUILDS.inc()
            row = await _keep(bus, row, reason)
            crash_at("kept")
        while not await _goes_on(bus, publisher, row, crash_at, on_progress):
            row = await _keep(bus, row, row.reason)
        if not asked:
            log.warning("stream_whole_again", stream=bus.name, position=publisher.published)
        return True


async def _goes_on(
    bus: FactsBus,
    publisher: Publisher,
    row: RebuildRow,
    crash_at: Callable[[str], None],
    on_progress: Callable[[int], None],
) -> bool:
    """From the row's step to the end. False: what it had made is damaged, too."""
    if row.step == "kept":
        # Whoever kept them may have died long ago: they have moved on since.
        row = await _keep(bus, row, row.reason)
        await _make_anew(bus, crash_at)
        await rows.set_rebuild(bus, "made", row.reason, row.consumers)
    there = await inspect(bus, await rows.stream_row(bus))
    if not isinstance(there, Whole):
        return False
    publisher.published = there.published
    await _publish_all(bus, publisher, on_progress)
    crash_at("all published")
    await rows.set_rebuild(bus, "published", row.reason, row.consumers)
    for consumer in row.consumers:
        await _make_consumer(bus, consumer)
        crash_at("consumer made")
    await remember(bus, publisher.published)
    await rows.rebuild_done(bus)
    crash_at("done")
    return True


async def _keep(bus: FactsBus, row: RebuildRow | None, reason: str) -> RebuildRow:
    """The rebuild at its first step, with the consumers that there are, or were when last seen."""
    there = await durable_consumers(bus)
    known = await rows.stream_row(bus)
    seen = row.consumers if row is not None else known.consumers if known is not None else []
    before = _by_name(seen)
    # Beside those that are there, one that was seen before a first rebuild has been taken away.
    kept = {} if row is None and there else dict(before)
    for name, consumer in _by_name(there).items():
        last_seen = before.get(name)
        if not await _is_its_own_floor(bus, consumer):
            kept[name] = last_seen or _as_begun(consumer)
        # One that its subscriber made on a stream that was new knows nothing of what it had.
        elif name not in kept or floor(consumer) >= floor(kept[name]):
            kept[name] = consumer
    await rows.set_rebuild(bus, "kept", reason, list(kept.values()))
    begun = await rows.rebuild_row(bus)
    if begun is None:
        raise AssertionError("the row was written just now, and this process has the lock")
    return begun


async def _is_its_own_floor(bus: FactsBus, consumer: Consumer) -> bool:
    """Whether its subscriber has acknowledged so far.

    A server that has lost messages moves a consumer behind those, at its start, as if they had been
    acknowledged. What was acknowledged is still there.
    """
    reached = floor(consumer)
    if reached <= floor(_as_begun(consumer)):
        return True
    return await stored_message(bus.client, bus.name, reached) is not None


def _as_begun(consumer: Consumer) -> Consumer:
    """The consumer before its first message."""
    return {**consumer, "ack_floor": {"stream_seq": 0}, "delivered": {"stream_seq": 0}}


async def _make_anew(bus: FactsBus, crash_at: Callable[[str], None]) -> None:
    stream = bus.client.jetstream()
    with contextlib.suppress(NotFoundError):
        await stream.delete_stream(bus.name)
    crash_at("deleted")
    first = await _first_kept(bus)
    await ensure_facts_stream(bus.client, bus.prefix, bus.replicas, bus.keep, first)
    await rows.made_anew(bus, first)
    crash_at("made")


async def _first_kept(bus: FactsBus) -> int:
    first = 1
    if bus.keep.days:
        first = await first_younger(bus.pool, timedelta(days=bus.keep.days))
    if bus.keep.bytes:
        largest = bus.client.max_payload - _NEARLY
        newest = await first_of_newest(bus.pool, bus.keep.bytes, _AROUND, largest)
        first = max(first, newest)
    return first


async def _publish_all(
    bus: FactsBus, publisher: Publisher, on_progress: Callable[[int], None]
) -> None:
    while True:
        try:
            await publisher.catch_up(on_progress)
        except PublishRefused as refused:
            # A relay that has not looked yet publishes the same entries.
            if refused.code not in ELSEWHERE:
                raise
            info = await bus.client.jetstream().stream_info(bus.name)
            publisher.published = info.state.last_seq
        else:
            return


async def remember(bus: FactsBus, published: int) -> None:
    """What is on the stream now, its consumers among it."""
    await rows.remember(bus, published, await durable_consumers(bus))


async def durable_consumers(bus: FactsBus) -> list[Consumer]:
    """Every durable one, as the server tells it; none without a stream."""
    found: list[Consumer] = []
    while True:
        asked = {"offset": len(found)}
        page = await ask_jetstream(bus.client, f"CONSUMER.LIST.{bus.name}", asked, _NO_STREAM)
        listed = page.get("consumers") or []
        found += listed
        if not listed or len(found) >= page["total"]:
            return [one for one in found if one["config"].get("durable_name")]


async def _make_consumer(bus: FactsBus, consumer: Consumer) -> None:
    config = {**consumer["config"], "deliver_policy": "by_start_sequence"}
    config.pop("opt_start_time", None)
    config["opt_start_seq"] = await _start(bus, consumer)
    subject = f"CONSUMER.DURABLE.CREATE.{bus.name}.{config['durable_name']}"
    body = {"stream_name": bus.name, "config": config, "action": "create"}
    await ask_jetstream(bus.client, subject, body, _IS_THERE)


async def _start(bus: FactsBus, consumer: Consumer) -> int:
    """The first position that the consumer gets."""
    config = consumer["config"]
    since = _SINCE.get(config["deliver_policy"])
    if floor(consumer) or since is None:
        return floor(consumer) + 1
    # It was to get what came from a moment on, and has acknowledged nothing of it.
    moment = datetime.fromisoformat(config.get(since) or consumer["created"])
    return await first_younger(bus.pool, await rows.database_time(bus) - moment)


def floor(consumer: Consumer) -> int:
    """The last position that the consumer needs no more; 0: not known yet."""
    unacknowledged = consumer["config"]["ack_policy"] == "none"
    told = int(consumer["delivered" if unacknowledged else "ack_floor"]["stream_seq"])
    # Before the first acknowledgement the server says 0.
    return max(told, int(consumer["config"].get("opt_start_seq", 1)) - 1)


def _by_name(consumers: list[Consumer]) -> dict[str, Consumer]:
    return {consumer["config"]["durable_name"]: consumer for consumer in consumers}
