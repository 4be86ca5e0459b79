"""Folds a read model again from the log, beside the live one, and puts right what differs.

The new rows are made in a schema of their own, by the very statements that make the live ones, with
a checkpoint of their own. Meanwhile the live projection goes on. At the end one transaction holds
the live checkpoint, brings the new rows to it, and moves into the live tables only the rows that
differ: readers are never kept waiting, and see all of it or nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from services.common.log.store import EventStore
from services.common.tasks import stop
from services.projector import batch, checkpoint
from services.projector.checkpoint import Connection
from services.projector.operations import whole_operations
from services.projector.projection import Entry, Projection, ProjectionTable

SIZE = 2000

OnProgress = Callable[[int, int], None]


class RebuildUnderWay(Exception):
    """Another process rebuilds this projection right now."""


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
) -> RebuildResult:
    """Safe to run, to kill and to repeat at any time.

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
        async with contextlib.aclosing(_read_ahead(store, size)) as batches:
            async for entries in batches:
                await batch.apply(conn, projection, position, entries, crash_at)
                position = entries[-1].position
                head = max(head, position)
                on_progress(position, head)
        crash_at("folded")
        rebuilt = await _switch(conn, shadow, store, position, crash_at)
        await shadow.drop(conn)
        return rebuilt


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


class _ShadowSchema:
    """The schema in which a projection's rows are folded again."""

    def __init__(self, projection: Projection[Any], home: str) -> None:
        self.projection = projection
        self.home = home
        self.schema = f"rebuild_{projection.name}"

    def live(self, table: str) -> Identifier:
        return Identifier(self.home, table)

    def new(self, table: str) -> Identifier:
        return Identifier(self.schema, table)

    async def make(self, conn: Connection) -> None:
        """Empty tables like the live ones; a name without a schema means them from now on."""
        await self.drop(conn)
        await conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(self.schema)))
        owned = [table.name for table in self.projection.tables]
        for name in (*owned, "checkpoints", "parked_streams"):
            await conn.execute(
                SQL("CREATE UNLOGGED TABLE {} (LIKE {} INCLUDING ALL)").format(
                    self.new(name), self.live(name)
                )
            )
        await self._drop_indexes_of_readers(conn)
        await conn.execute(
            SQL("INSERT INTO {} (projection) VALUES (%s)").format(self.new("checkpoints")),
            (self.projection.name,),
        )
        await conn.execute(
            SQL("SET search_path TO {}, {}").format(Identifier(self.schema), Identifier(self.home))
        )

    async def _drop_indexes_of_readers(self, conn: Connection) -> None:
        """All but the unique ones: a fold looks its rows up by keys alone, and nobody else looks
        here. Half of what an entry of activity costs the server are those.
        """
        found = await conn.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i"
            " JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
            " WHERE n.nspname = %s AND NOT i.indisunique",
            (self.schema,),
        )
        for (index,) in await found.fetchall():
            await conn.execute(SQL("DROP INDEX {}").format(SQL(index)))

    async def drop(self, conn: Connection) -> None:
        await conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(self.schema)))


async def _shadow_schema(conn: Connection, projection: Projection[Any]) -> _ShadowSchema:
    cursor = await conn.execute("SELECT current_schema()")
    (home,) = await cursor.fetchone() or ("public",)
    shadow = _ShadowSchema(projection, home)
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
    shadow: _ShadowSchema,
    store: EventStore,
    position: int,
    crash_at: batch.CrashAt,
) -> RebuildResult:
    """Puts the live rows right under a lock on the live checkpoint, so that both sides stand at one
    position.
    """
    projection = shadow.projection
    async with conn.transaction():
        live = await _hold(conn, shadow)
        crash_at("held")
        while position < live:
            entries = await whole_operations(store, position, min(SIZE, live - position))
            await batch.apply(conn, projection, position, entries)
            position = entries[-1].position
        removed = written = 0
        for table in projection.tables:
            gone = await conn.execute(_remove(shadow, table, await _columns(conn, shadow, table)))
            came = await conn.execute(_write(shadow, table))
            removed, written = removed + gone.rowcount, written + came.rowcount
        parked = await _move_parked(conn, shadow)
        await conn.execute(
            SQL(
                "UPDATE {} SET position = %(position)s, rebuilds = rebuilds + 1"
                " WHERE projection = %(projection)s"
            ).format(shadow.live("checkpoints")),
            {"position": position, "projection": projection.name},
        )
        await checkpoint.ring(conn, projection.name)
        crash_at("switching")
    return RebuildResult(
        projection=projection.name,
        position=position,
        removed=removed,
        written=written,
        parked=parked,
    )


async def _hold(conn: Connection, shadow: _ShadowSchema) -> int:
    cursor = await conn.execute(
        SQL("SELECT position FROM {} WHERE projection = %s FOR UPDATE").format(
            shadow.live("checkpoints")
        ),
        (shadow.projection.name,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"projection {shadow.projection.name!r} has no checkpoint")
    return int(row[0])


def _remove(shadow: _ShadowSchema, table: ProjectionTable, columns: Composed) -> Composed:
    """Live rows that are not the same among the new ones."""
    return SQL(
        "DELETE FROM {live} AS live WHERE NOT EXISTS ("
        "SELECT FROM {new} AS new WHERE {same_key} AND {columns})"
    ).format(
        live=shadow.live(table.name),
        new=shadow.new(table.name),
        same_key=_same_key(table),
        columns=columns,
    )


async def _columns(conn: Connection, shadow: _ShadowSchema, table: ProjectionTable) -> Composed:
    """That all columns are the same, one by one: as texts, whole rows take three times as long."""
    found = await conn.execute(
        "SELECT a.attname, a.atttypid = 'json'::regtype FROM pg_attribute a"
        " JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
        " WHERE n.nspname = %s AND t.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (shadow.home, table.name),
    )
    # json has no equality of its own.
    return SQL(" AND ").join(
        SQL(
            "new.{0}::text IS NOT DISTINCT FROM live.{0}::text"
            if is_json
            else "new.{0} IS NOT DISTINCT FROM live.{0}"
        ).format(Identifier(name))
        for name, is_json in await found.fetchall()
    )


def _write(shadow: _ShadowSchema, table: ProjectionTable) -> Composed:
    return SQL(
        "INSERT INTO {live} SELECT * FROM {new} AS new WHERE NOT EXISTS ("
        "SELECT FROM {live} AS live WHERE {same_key})"
    ).format(live=shadow.live(table.name), new=shadow.new(table.name), same_key=_same_key(table))


def _same_key(table: ProjectionTable) -> Composed:
    return SQL(" AND ").join(
        SQL("new.{column} = live.{column}").format(column=Identifier(column))
        for column in table.key
    )


async def _move_parked(conn: Connection, shadow: _ShadowSchema) -> int:
    """Replaces the parked streams: a newer version of the code may read some that an older one
    could not.
    """
    await conn.execute(
        SQL("DELETE FROM {} WHERE projection = %s").format(shadow.live("parked_streams")),
        (shadow.projection.name,),
    )
    moved = await conn.execute(
        SQL("INSERT INTO {} SELECT * FROM {}").format(
            shadow.live("parked_streams"), shadow.new("parked_streams")
        )
    )
    return moved.rowcount
