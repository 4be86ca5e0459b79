"""What PostgreSQL remembers of the public stream: its last state, the sweep, a rebuild's step."""

from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from psycopg.rows import args_row
from psycopg.types.json import Jsonb

from services.command.bus.facts_bus import FactsBus

# A durable consumer as the server tells it, with members that we have no name for.
Consumer = dict[str, Any]

# What is done: the consumers are kept; the stream is empty and new; everything is on it.
Step = Literal["kept", "made", "published"]


class StreamRow(Struct, frozen=True):
    """The row of `bus_streams`, its columns in their order; see the migration."""

    published: int
    first: int
    keep_days: int
    keep_bytes: int
    consumers: list[Consumer]
    seen_at: datetime
    holes: int
    hole: int | None
    swept: int
    swept_at: datetime | None


class RebuildRow(Struct, frozen=True):
    """A rebuild under way. consumers: to be made again once everything is published."""

    step: Step
    reason: str
    consumers: list[Consumer]
    begun_at: datetime


async def stream_row(bus: FactsBus) -> StreamRow | None:
    """None: this stream was never published to."""
    async with (
        bus.pool.connection() as conn,
        conn.cursor(row_factory=args_row(StreamRow)) as cursor,
    ):
        await cursor.execute(
            "SELECT published, first, keep_days, keep_bytes, consumers, seen_at, holes, hole,"
            " swept, swept_at FROM bus_streams WHERE stream = %s",
            (bus.name,),
        )
        return await cursor.fetchone()


async def remember(bus: FactsBus, published: int, consumers: list[Consumer]) -> None:
    """What is there now, for the day when it is gone."""
    async with bus.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO bus_streams (stream, published, consumers)"
            " VALUES (%(name)s, %(published)s, %(consumers)s)"
            " ON CONFLICT (stream) DO UPDATE SET"
            " published = excluded.published, consumers = excluded.consumers, seen_at = now()",
            {"name": bus.name, "published": published, "consumers": Jsonb(consumers)},
        )


async def made_anew(bus: FactsBus, first: int) -> None:
    """The stream begins at this position, as its limits are now, and is empty."""
    async with bus.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO bus_streams (stream, first, keep_days, keep_bytes)"
            " VALUES (%(name)s, %(first)s, %(days)s, %(bytes)s)"
            " ON CONFLICT (stream) DO UPDATE SET published = 0, holes = 0, hole = NULL,"
            " first = excluded.first, keep_days = excluded.keep_days,"
            " keep_bytes = excluded.keep_bytes",
            {
                "name": bus.name,
                "first": first,
                "days": bus.keep.days,
                "bytes": bus.keep.bytes,
            },
        )


async def found_hole(bus: FactsBus, holes: int, hole: int) -> None:
    """The sweep's word to whichever relay looks next."""
    async with bus.pool.connection() as conn:
        await conn.execute(
            "UPDATE bus_streams SET holes = %s, hole = %s WHERE stream = %s",
            (holes, hole, bus.name),
        )


async def swept_to(bus: FactsBus, position: int) -> None:
    async with bus.pool.connection() as conn:
        await conn.execute(
            "UPDATE bus_streams SET swept = %s WHERE stream = %s", (position, bus.name)
        )


async def swept_whole(bus: FactsBus, position: int) -> None:
    async with bus.pool.connection() as conn:
        await conn.execute(
            "UPDATE bus_streams SET swept = %s, swept_at = now() WHERE stream = %s",
            (position, bus.name),
        )


async def is_sweep_due(bus: FactsBus, since: datetime, again_after: timedelta) -> bool:
    """Whether no whole sweep has ended since that moment, or the last one is too long ago."""
    async with bus.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT swept_at IS NULL OR swept_at < %s OR swept_at < now() - %s"
            " FROM bus_streams WHERE stream = %s",
            (since, again_after, bus.name),
        )
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def database_time(bus: FactsBus) -> datetime:
    async with bus.pool.connection() as conn:
        row = await (await conn.execute("SELECT clock_timestamp()")).fetchone()
    if row is None:
        raise AssertionError("SELECT without FROM has one row")
    found: datetime = row[0]
    return found


async def rebuild_row(bus: FactsBus) -> RebuildRow | None:
    """None: no rebuild is under way."""
    async with (
        bus.pool.connection() as conn,
        conn.cursor(row_factory=args_row(RebuildRow)) as cursor,
    ):
        await cursor.execute(
            "SELECT step, reason, consumers, begun_at FROM bus_rebuilds WHERE stream = %s",
            (bus.name,),
        )
        return await cursor.fetchone()


async def set_rebuild(bus: FactsBus, step: Step, reason: str, consumers: list[Consumer]) -> None:
    async with bus.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO bus_rebuilds (stream, step, reason, consumers)"
            " VALUES (%(name)s, %(step)s, %(reason)s, %(consumers)s)"
            " ON CONFLICT (stream) DO UPDATE SET"
            " step = excluded.step, reason = excluded.reason, consumers = excluded.consumers",
            {"name": bus.name, "step": step, "reason": reason, "consumers": Jsonb(consumers)},
        )


async def rebuild_done(bus: FactsBus) -> None:
    """The rebuild's row goes; the sweep begins again, and has no holes to tell of."""
    async with bus.pool.connection() as conn, conn.transaction():
        await conn.execute("DELETE FROM bus_rebuilds WHERE stream = %s", (bus.name,))
        await conn.execute(
            "UPDATE bus_streams SET holes = 0, hole = NULL, swept = 0, swept_at = NULL"
            " WHERE stream = %s",
            (bus.name,),
        )
