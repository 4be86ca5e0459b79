"""Wrong passwords and keys: counted by minute, and throttled."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Generic, LiteralString, TypeVar

from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import background, every

# In the present minute and the one before, so that no turn of the clock gives a second round.
MOST_FAILURES = 10
FORGET_EVERY_SECONDS = 3600.0

S = TypeVar("S", str, int)


class TooOften(Exception):
    """Too many wrong ones lately; right or wrong does not matter now."""

    retry_after_seconds = 120


class Tries(Generic[S]):
    """Tries by subject: a row of a table for each and minute, for all processes together."""

    def __init__(self, pool: Pool, table: LiteralString, subject: LiteralString) -> None:
        """subject: the column of the table that names it."""
        self._pool = pool
        self._name = table
        # No row when there were as many. Counted before the secret is looked at: of many that come
        # at once, none is tried beyond the limit.
        self._tried: LiteralString = f"""
            WITH before AS (
                SELECT coalesce(sum(count), 0) AS failures FROM {table}
                WHERE {subject} = %(subject)s
                    AND minute = date_trunc('minute', now()) - interval '1 minute'
            )
            INSERT INTO {table} AS known ({subject}, minute, count)
            SELECT %(subject)s, date_trunc('minute', now()), 1 FROM before
            WHERE failures < %(most)s
            ON CONFLICT ({subject}, minute) DO UPDATE SET count = known.count + 1
            WHERE known.count + (SELECT failures FROM before) < %(most)s
            RETURNING minute"""
        self._no_failure: LiteralString = (
            f"UPDATE {table} SET count = count - 1 WHERE {subject} = %s AND minute = %s"
        )
        self._forget: LiteralString = (
            f"DELETE FROM {table} WHERE minute < now() - interval '1 hour'"
        )

    @contextlib.asynccontextmanager
    async def forgetting(self) -> AsyncIterator[None]:
        """Drops the failures that count no more, while the block runs."""
        forgetting = every(FORGET_EVERY_SECONDS, self._drop, away=CONNECTION_LOST)
        async with background(f"{self._name}: forget", forgetting):
            yield

    async def begin(self, subject: S) -> datetime:
        """The minute that this try counts in, as a failure until it is said to be none.

        Raises TooOften.
        """
        async with self._pool.connection() as conn:
            cursor = await conn.execute(self._tried, {"subject": subject, "most": MOST_FAILURES})
            row = await cursor.fetchone()
        if row is None:
            raise TooOften
        minute: datetime = row[0]
        return minute

    async def no_failure(self, subject: S, minute: datetime) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(self._no_failure, (subject, minute))

    async def _drop(self) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(self._forget)
