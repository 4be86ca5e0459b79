"""Folds a read model again from the log, beside the live one, and puts right what differs.

The new rows are made in a schema of their own, by the very statements that make the live ones, with
a checkpoint of their own. Meanwhile the live projection goes on. At the end one transaction holds
the live checkpoint, brings the new rows to it, and moves into the live tables only the rows that
differ: readers are never kept waiting, and see all of it or nothing.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from services.common.log.store import EventStore
from services.common.tasks import stop
from services.projector import batch
from services.projector.checkpoint import Connection
from services.projector.operations import whole_operations
from services.projector.other_rows import KEPT, OtherRows, exchange, hold, move, move_parked
from services.projector.projection import Entry, Projection

SIZE = 2000

OnProgress = Callable[[int, int], None]


class RebuildUnderWay(Exception):
    """Another process rebuilds this projection right now."""


class NothingKept(Exception):
    """No rows of an earlier rebuild are there, or they are of another version: `why`."""

    def __init__(self, projection: str, why: str) -> None:
        super().__init__(f"{projection}: {why}")


class RebuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a rebuild. position: of the last fact in the rows.

    removed, written: live rows that the log does not say, and rows that it says and that were not
    there; a changed row counts in both. parked: streams that can't be followed, after the rebuild.
    """

    projection: str
    position: int
    removed: int
    written: int
    parked: int


async def rebuild(
    url: str,
    store: EventStore,
    projection: Projection[Any],
    *,
    on_progress: OnProgress = lambda position, head: None,
    crash_at: batch.CrashAt = batch.no_crash,
    size: int = SIZE,
    keep: bool = False,
) -> RebuildResult:
    """Safe to run, to kill and to repeat at any time.

    keep: the rows before stay beside the new ones, for `put_back`; such of an earlier one go.
    on_progress: told the position reached and the log's head, after every batch.
    crash_at: told "folded", "held" and "switching", besides what `batch.apply` tells.
    Raises RebuildUnderWay.
    """
    async with (
        await AsyncConnection.connect(url, autocommit=True) as conn,
        _alone(conn, projection),
    ):
        shadow = await _shadow_schema(conn, projection)
        position, head = 0, await store.head()
        async with contextlib.aclosing(_read_ahead(store, size)) as batches, _less_collecting():
            async for entries in batches:
                await batch.apply(conn, projection, position, entries, crash_at)
                position = entries[-1].position
                head = max(head, position)
                on_progress(position, head)
        crash_at("folded")
        rebuilt = await _switch(conn, shadow, store, position, crash_at, keep=keep)
        await shadow.drop(conn)
        return rebuilt


@contextlib.asynccontextmanager
async def _less_collecting() -> AsyncIterator[None]:
    """What is there already stays there: looking through it for garbage, again and again while the
    log's facts come and go, is a sixth of a rebuild.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _read_ahead(store: EventStore, size: int) -> AsyncGenerator[Sequence[Entry], None]:
    """The log to its end. Each batch is read while the one before is written: the one is this
    process's work and the other the server's.
    """
    reading = asyncio.create_task(whole_operations(store, 0, size))
    try:
        while entries := await reading:
            reading = asyncio.create_task(whole_operations(store, entries[-1].position, size))
            yield entries
    finally:
        await stop(reading)


async def put_back(url: str, store: EventStore, projection: Projection[Any]) -> RebuildResult:
    """Make the live rows again what they were before the rebuild that kept them, and fold in what
    came since: readers see all of it or nothing. The kept rows are gone then.

    Raises RebuildUnderWay, NothingKept.
    """
    async with (
        await AsyncConnection.connect(url, autocommit=True) as conn,
        _alone(conn, projection),
    ):
        kept = OtherRows(projection, await _home(conn), KEPT)
        async with conn.transaction():
            live = await hold(conn, kept)
            position = await kept.reached(conn)
            if position is None:
                raise NothingKept(projection.name, "no rows were kept")
            if not await kept.fit(conn):
                raise NothingKept(projection.name, "the kept rows are of another version")
            removed, written = await exchange(conn, kept)
            await move_parked(conn, kept)
            await move(conn, kept, position)
            while position < live:
                entries = await whole_operations(store, position, min(SIZE, live - position))
                await batch.apply(conn, projection, position, entries)
                position = entries[-1].position
            parked = await conn.execute(
                "SELECT count(*) FROM parked_streams WHERE projection = %s", (projection.name,)
            )
            (left,) = await parked.fetchone() or (0,)
            await kept.drop(conn)
    return RebuildResult(
        projection=projection.name,
        position=position,
        removed=removed,
        written=written,
        parked=int(left),
    )


async def _home(conn: Connection) -> str:
    cursor = await conn.execute("SELECT current_schema()")
    (home,) = await cursor.fetchone() or ("public",)
    return str(home)


def _kept(shadow: OtherRows) -> OtherRows:
    return OtherRows(shadow.projection, shadow.home, KEPT)


async def _shadow_schema(conn: Connection, projection: Projection[Any]) -> OtherRows:
    shadow = OtherRows(projection, await _home(conn), "rebuild")
    await shadow.make(conn)
    return shadow


@contextlib.asynccontextmanager
async def _alone(conn: Connection, projection: Projection[Any]) -> AsyncIterator[None]:
    """One rebuild of a projection at a time. The lock is the session's: it goes with a process that
    dies.
    """
    name = f"recount rebuild {projection.name}"
    cursor = await conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,))
    if await cursor.fetchone() != (True,):
        raise RebuildUnderWay(projection.name)
    yield
    # The server hears late that a connection was closed, and the next one may be here by then.
    await conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


async def _switch(
    conn: Connection,
    shadow: OtherRows,
    store: EventStore,
    position: int,
    crash_at: batch.CrashAt,
    *,
    keep: bool,
) -> RebuildResult:
    """Puts the live rows right under a lock on the live checkpoint, so that both sides stand at one
    position.
    """
    projection = shadow.projection
    async with conn.transaction():
        live = await hold(conn, shadow)
        crash_at("held")
        if keep:
            await _kept(shadow).keep(conn)
        while position < live:
            entries = await whole_operations(store, position, min(SIZE, live - position))
            await batch.apply(conn, projection, position, entries)
            position = entries[-1].position
        removed, written = await exchange(conn, shadow)
        parked = await move_parked(conn, shadow)
        await move(conn, shadow, position)
        crash_at("switching")
    return RebuildResult(
        projection=projection.name,
        position=position,
        removed=removed,
        written=written,
        parked=parked,
    )
