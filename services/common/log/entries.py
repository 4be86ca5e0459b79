"""Entries of the log, for services that only read it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import args_row

from contracts.chain import Entry
from contracts.events.recorded import DomainEvent, Recorded
from services.common.log import reading
from services.common.log.appends import Unreadable
from services.common.postgres.database import Pool

Connection = AsyncConnection[tuple[Any, ...]]


async def project_entries(pool: Pool, team_id: int, after: int, limit: int) -> Sequence[Entry]:
    """A project's entries beyond its sequence `after`, in order, without gaps."""
    return await _entries(pool, reading.PROJECT_ENTRIES, (team_id, after, limit))


async def entries(pool: Pool, after: int, limit: int) -> Sequence[Entry]:
    """The whole log's beyond position `after`, in order, without gaps."""
    return await _entries(pool, reading.ENTRIES, (after, limit))


async def head(pool: Pool) -> int:
    """The last position; 0 while the log is empty."""
    async with pool.connection() as conn:
        (position,) = await (await conn.execute(reading.HEAD)).fetchone() or (0,)
        return int(position)


async def facts_of(
    conn: Connection, stream_ids: Sequence[UUID], positions: Sequence[int], up_to: int
) -> Sequence[Recorded[DomainEvent] | Unreadable]:
    """The facts of these streams, and those at these positions; in the log's order, none beyond
    `up_to`.
    """
    async with conn.cursor(binary=True, row_factory=args_row(reading.FactRow)) as cursor:
        asked = (up_to, list(stream_ids), list(positions))
        await cursor.execute(reading.FACTS_OF.encode(), asked)
        return [reading.decoded_or_unreadable(row) for row in await cursor.fetchall()]


async def _entries(pool: Pool, statement: str, asked: tuple[int, ...]) -> Sequence[Entry]:
    async with (
        pool.connection() as conn,
        conn.cursor(binary=True, row_factory=args_row(reading.entry)) as cursor,
    ):
        await cursor.execute(statement.encode(), asked)
        return await cursor.fetchall()
