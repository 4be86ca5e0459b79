"""The rows of a trail, once they are in PostgreSQL."""

from typing import Any

from psycopg.rows import dict_row

from services.common.postgres.database import Pool
from tests.waiting import seen


async def recorded(pool: Pool, count: int) -> list[dict[str, Any]]:
    """In the order in which they were answered, once there are so many."""
    return await seen(lambda: rows(pool), lambda found: len(found) >= count)


async def rows(pool: Pool) -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=dict_row)
        await cursor.execute("SELECT * FROM reads ORDER BY at, run, n")
        return await cursor.fetchall()
