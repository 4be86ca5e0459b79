"""One transaction of a projection: rows, parked streams and checkpoint, together or not at all."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from psycopg import DataError, IntegrityError
from psycopg.errors import ProgramLimitExceeded

from contracts.events.recorded import Recorded
from services.common.log.store import Unreadable
from services.projector import checkpoint
from services.projector.checkpoint import Connection, ParkedStream
from services.projector.operations import by_operation, by_stream
from services.projector.other_rows import forget_kept
from services.projector.projection import Entry, Projection, name_of, topic
from services.projector.refolding import cut, erased_from, erases

CrashAt = Callable[[str], None]

# The row is at fault, and would be at every attempt; a text too long for its index is one.
REFUSED = (DataError, IntegrityError, ProgramLimitExceeded)


def no_crash(point: str) -> None:
    """Outside of tests nothing happens at the named points."""


async def apply(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    entries: Sequence[Entry],
    crash_at: CrashAt = no_crash,
) -> list[ParkedStream] | None:
    """Fold what follows position `after`; None, and nothing done, when the checkpoint is elsewhere.

    Returns the streams that were parked on the way: with an entry that this version can't read, a
    fact that the fold refuses, or a row that the database does.
    conn: in autocommit mode.
    crash_at: told "begun", "written" and "committed" as each is reached.
    """
    parked: list[ParkedStream] = []
    for group in cut(entries):
        write = _refold if erases(group) else _apply
        left = await write(conn, projection, after, group, crash_at)
        if left is None:
            return None
        parked += left
        after = group[-1].position
    return parked


async def _apply(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    entries: Sequence[Entry],
    crash_at: CrashAt,
) -> list[ParkedStream] | None:
    try:
        return await _transaction(conn, projection, after, entries, crash_at)
    except REFUSED as refused:
        if len(entries) == 1:
            return await _park_alone(conn, projection, after, entries[0], str(refused))
    operations = by_operation(entries)
    if len(operations) == 1:
        return await _stream_by_stream(conn, projection, after, entries, crash_at)
    # One at a time, only the stream at fault is left behind.
    parked: list[ParkedStream] = []
    for operation in operations:
        left = await _apply(conn, projection, after, operation, crash_at)
        if left is None:
            return None
        parked += left
        after = operation[-1].position
    return parked


async def _refold(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    entries: Sequence[Entry],
    crash_at: CrashAt,
) -> list[ParkedStream] | None:
    """The rows of the streams that these erasures tell of, made anew from what is left of them.

    A row that the database refuses is gone, and its streams are parked: what was erased is in no
    row.
    """
    try:
        return await _refold_rows(conn, projection, after, entries, crash_at)
    except REFUSED as refused:
        reason = str(refused)
    async with conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, entries[-1].position)
        if await moved.fetchone() is None:
            return None
        erased = await erased_from(conn, entries)
        await forget_kept(conn, projection)
        left = await projection.forget(conn, erased, entries[-1].position)
        streams = {each.stream_id for each in erased}
        last = {entry.stream_id: entry for entry in left if entry.stream_id in streams}
        parked = [_parked(projection, entry, reason) for entry in last.values()]
        await checkpoint.park(conn, parked)
        parked += await apply_in(conn, projection, entries)
        await checkpoint.replaced(conn, projection.name)
        await checkpoint.ring(conn, projection.name)
    return parked


async def _refold_rows(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    entries: Sequence[Entry],
    crash_at: CrashAt,
) -> list[ParkedStream] | None:
    up_to = entries[-1].position
    async with conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, up_to)
        if await moved.fetchone() is None:
            return None
        crash_at("begun")
        erased = await erased_from(conn, entries)
        await forget_kept(conn, projection)
        again = await projection.forget(conn, erased, up_to)
        await checkpoint.unpark(conn, projection.name, {each.stream_id for each in erased})
        # What the erasures themselves make stands beside it.
        both = {entry.position: entry for entry in (*again, *entries)}
        parked = await apply_in(conn, projection, [both[place] for place in sorted(both)])
        if again:
            await checkpoint.replaced(conn, projection.name)
        await checkpoint.ring(conn, projection.name)
        crash_at("written")
    crash_at("committed")
    return parked


async def _transaction(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    entries: Sequence[Entry],
    crash_at: CrashAt,
) -> list[ParkedStream] | None:
    """Two round trips: what is there, and what is there now."""
    wanted = [entry for entry in entries if topic(entry) in projection.topics]
    facts = [entry for entry in wanted if isinstance(entry, Recorded)]
    async with conn.pipeline(), conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, entries[-1].position)
        left = await checkpoint.parked_among(
            conn, projection.name, {entry.stream_id for entry in wanted}
        )
        state = await projection.load(conn, facts)
        if await moved.fetchone() is None:
            return None
        crash_at("begun")
        parked = fold(projection, state, wanted, {stream for (stream,) in await left.fetchall()})
        await projection.save(conn, state)
        if parked:
            await checkpoint.park(conn, parked)
        await checkpoint.ring(conn, projection.name)
        crash_at("written")
    crash_at("committed")
    return parked


def fold(
    projection: Projection[Any], state: Any, entries: Sequence[Entry], left: set[UUID]
) -> list[ParkedStream]:
    """Move `state` by all entries but those of streams left behind; the streams that join these."""
    parked: dict[UUID, ParkedStream] = {}
    for entry in entries:
        # Looked for only where there is any: the hash of an id costs as much as all the rest here.
        if (left and entry.stream_id in left) or (parked and entry.stream_id in parked):
            continue
        if isinstance(entry, Unreadable):
            parked[entry.stream_id] = _parked(projection, entry, entry.reason)
            continue
        try:
            projection.apply(state, entry)
        except Exception as cause:
            # A fold is pure: whatever it raises, it raises again at every attempt.
            parked[entry.stream_id] = _parked(projection, entry, f"{type(cause).__name__}: {cause}")
    return list(parked.values())


async def _stream_by_stream(
    conn: Connection,
    projection: Projection[Any],
    after: int,
    operation: Sequence[Entry],
    crash_at: CrashAt,
) -> list[ParkedStream] | None:
    """One operation in one transaction, so that its rows are seen together, but for the streams
    whose rows the database refuses: those are parked.
    """
    parked: list[ParkedStream] = []
    async with conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, operation[-1].position)
        if await moved.fetchone() is None:
            return None
        crash_at("begun")
        for entries in by_stream([each for each in operation if topic(each) in projection.topics]):
            try:
                async with conn.transaction():
                    parked += await apply_in(conn, projection, entries)
            except REFUSED as refused:
                parked.append(_parked(projection, entries[0], str(refused)))
                await checkpoint.park(conn, parked[-1:])
        await checkpoint.ring(conn, projection.name)
        crash_at("written")
    crash_at("committed")
    return parked


async def apply_in(
    conn: Connection, projection: Projection[Any], entries: Sequence[Entry]
) -> list[ParkedStream]:
    """Fold the entries in the transaction that is open; those streams are parked that the fold
    refuses.
    """
    wanted = [entry for entry in entries if topic(entry) in projection.topics]
    left = await checkpoint.parked_among(
        conn, projection.name, {entry.stream_id for entry in wanted}
    )
    state = await projection.load(conn, [each for each in wanted if isinstance(each, Recorded)])
    streams = {stream for (stream,) in await left.fetchall()}
    parked = fold(projection, state, wanted, streams)
    await projection.save(conn, state)
    if parked:
        await checkpoint.park(conn, parked)
    return parked


async def _park_alone(
    conn: Connection, projection: Projection[Any], after: int, entry: Entry, reason: str
) -> list[ParkedStream] | None:
    parked = [_parked(projection, entry, reason)]
    async with conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, entry.position)
        if await moved.fetchone() is None:
            return None
        await checkpoint.park(conn, parked)
        await checkpoint.ring(conn, projection.name)
    return parked


def _parked(projection: Projection[Any], entry: Entry, reason: str) -> ParkedStream:
    return ParkedStream(
        projection=projection.name,
        stream_id=entry.stream_id,
        team_id=entry.team_id,
        position=entry.position,
        name=name_of(entry),
        reason=reason,
    )
