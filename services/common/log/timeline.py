"""The timeline that PostgreSQL is on, against the one that the log was last verified on.

Every connection that a pool of readers makes asks: after a failover all of them are new, so none
answers before it is known whether the log still has to be verified.
"""

import asyncio
from typing import LiteralString

from msgspec import Struct
from prometheus_client import Gauge
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import every

UNVERIFIED = Gauge(
    "recount_log_timeline_unverified",
    "1 while a PostgreSQL that took over was not held against the public stream: no appends.",
)

LOOK_SECONDS = 0.2

_TIMELINE: LiteralString = """
    SELECT timeline, log_timeline(), checked_position,
        coalesce((SELECT max(notification_id) FROM log), 0)
    FROM log_state"""
# A standby takes no appends, so none can be wrong there.
_IS_VERIFIED: LiteralString = "SELECT coalesce(timeline = log_timeline(), true) FROM log_state"


class LogTimeline(Struct, frozen=True):
    """recorded: the one that the log was last verified on, when it was at `checked_position`.

    current: PostgreSQL's; None on a standby. head: the log's last position.
    """

    recorded: int
    current: int | None
    checked_position: int
    head: int

    @property
    def is_verified(self) -> bool:
        return self.current == self.recorded


async def log_timeline(pool: Pool) -> LogTimeline:
    async with (
        pool.connection() as conn,
        conn.cursor(row_factory=args_row(LogTimeline)) as cursor,
    ):
        await cursor.execute(_TIMELINE)
        found = await cursor.fetchone()
    if found is None:
        raise AssertionError("log_state has one row, which its migration has made")
    return found


class TimelineWatch:
    """Whether the log has to be verified, as far as this process knows.

    It is never told too late, as its connections ask before they are used.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.is_unverified = False

    async def ask(self, conn: AsyncConnection[TupleRow]) -> None:
        """On a connection in autocommit mode."""
        row = await (await conn.execute(_IS_VERIFIED)).fetchone()
        self.is_unverified = row is not None and not row[0]
        UNVERIFIED.set(self.is_unverified)
        if self.is_unverified:
            self._rung.set()

    async def run(self, pool: Pool) -> None:
        """Until cancelled: notices that the log has been verified."""

        async def look() -> None:
            while self.is_unverified:
                async with pool.connection() as conn:
                    await self.ask(conn)
                await asyncio.sleep(LOOK_SECONDS)

        await every(3600, look, away=CONNECTION_LOST, rung=self._rung, pause=LOOK_SECONDS)
