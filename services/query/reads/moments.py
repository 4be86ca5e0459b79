"""Moments of the past: which position of the log a version, a sequence or a time means.

All are found in the log itself, in one round trip, whatever the projections have reached. A moment
inside an operation is rounded down to the end of the one before: nothing in between was ever to be
seen.
"""

from datetime import datetime
from typing import Any, LiteralString

import msgspec
from psycopg.rows import args_row

from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from contracts.times import EPOCH, MICROSECOND
from services.common.postgres.database import Pool

# The end of the operation before, where position `here` is inside of one.
_ROUNDED: LiteralString = """
    CASE WHEN next.operation_id = here.operation_id THEN coalesce((
        SELECT notification_id FROM log
        WHERE notification_id < here.notification_id AND operation_id <> here.operation_id
        ORDER BY notification_id DESC LIMIT 1
    ), 0) ELSE here.notification_id END"""
_NEXT: LiteralString = "LEFT JOIN log next ON next.notification_id = here.notification_id + 1"
# The end of the operation of position `here`.
_END: LiteralString = """
    coalesce((
        SELECT notification_id FROM log
        WHERE notification_id > here.notification_id AND operation_id <> here.operation_id
        ORDER BY notification_id LIMIT 1
    ) - 1, (SELECT max(notification_id) FROM log))"""

_POSITION: LiteralString = f"""
    SELECT {_ROUNDED}, here.hash FROM log here {_NEXT}
    WHERE here.notification_id = %(position)s"""
_SEQUENCE: LiteralString = f"""
    SELECT {_ROUNDED}, here.hash FROM log here {_NEXT}
    WHERE here.team_id = %(team_id)s AND here.team_seq = %(sequence)s"""
# Times rise along a project's chain, so the last one that is not later is found by halving.
_SEARCH: LiteralString = """
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, coalesce((SELECT seq FROM log_heads WHERE team_id = %(team_id)s), 0)
        UNION ALL
        SELECT CASE WHEN earlier THEN middle ELSE low END,
            CASE WHEN earlier THEN high ELSE middle - 1 END
        FROM (
            SELECT low, high, middle, (
                SELECT recorded_at <= %(time)s FROM log
                WHERE team_id = %(team_id)s AND team_seq = middle
            ) AS earlier
            FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high)
                AS halves
        ) AS looked
    )"""
_TIME: LiteralString = f"""{_SEARCH}
    SELECT {_ROUNDED}, here.hash FROM search
    JOIN log here ON here.team_id = %(team_id)s AND here.team_seq = search.low {_NEXT}
    WHERE search.low = search.high"""
_LAST_AT: LiteralString = f"{_SEARCH} SELECT low FROM search WHERE low = high"
# The last version up to this one that an operation ended with, at that operation's end.
_VERSION: LiteralString = f"""
    SELECT {_END}, here.hash FROM (
        SELECT whole.originator_version FROM log asked
        JOIN LATERAL (
            SELECT fact.originator_version FROM log fact
            LEFT JOIN log next ON next.originator_id = fact.originator_id
                AND next.originator_version = fact.originator_version + 1
            WHERE fact.originator_id = asked.originator_id
                AND fact.originator_version <= asked.originator_version
                AND next.operation_id IS DISTINCT FROM fact.operation_id
            ORDER BY fact.originator_version DESC LIMIT 1
        ) AS whole ON true
        WHERE asked.originator_id = %(stream_id)s AND asked.originator_version = %(version)s
    ) AS found
    JOIN log here ON here.originator_id = %(stream_id)s
        AND here.originator_version = found.originator_version"""


class LogPlace(msgspec.Struct, frozen=True):
    """An operation's end. hash: of the entry that was asked for."""

    position: int
    hash: bytes


class MomentReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def position(self, position: int) -> LogPlace | None:
        """None: it is beyond the log's head."""
        return await self._one(_POSITION, {"position": position})

    async def sequence(self, team_id: int, sequence: int) -> LogPlace | None:
        """None: the project has no such entry."""
        return await self._one(_SEQUENCE, {"team_id": team_id, "sequence": sequence})

    async def time(self, team_id: int, time: datetime) -> LogPlace | None:
        """Of the project's last operation up to then; None before its first."""
        return await self._one(_TIME, {"team_id": team_id, "time": time})

    async def last_sequence_before(self, team_id: int, time: datetime) -> int:
        """Of the project's last entry before then; 0: it has none."""
        asked = {"team_id": team_id, "time": max(time, EPOCH) - MICROSECOND}
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_LAST_AT, asked)
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def version(self, stream: Stream[DomainEvent], version: int) -> LogPlace | None:
        """None: the stream has no such version, nor one below it that ends an operation."""
        return await self._one(_VERSION, {"stream_id": stream.id, "version": version})

    async def head(self) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT coalesce(max(notification_id), 0) FROM log")
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def _one(self, statement: LiteralString, values: dict[str, Any]) -> LogPlace | None:
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(LogPlace))
            await cursor.execute(statement, values)
            return await cursor.fetchone()
