"""Entries of the log, for services that only read it."""

from collections.abc import Sequence

from psycopg.rows import args_row

from contracts.chain import Entry
from services.common.log import reading
from services.common.postgres.database import Pool


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


async def _entries(pool: Pool, statement: str, asked: tuple[int, ...]) -> Sequence[Entry]:
    async with (
        pool.connection() as conn,
        conn.cursor(binary=True, row_factory=args_row(reading.entry)) as cursor,
    ):
        await cursor.execute(statement.encode(), asked)
        return await cursor.fetchall()
