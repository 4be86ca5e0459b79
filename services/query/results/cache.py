"""The cache of results, in PostgreSQL: one row per project and query."""

from datetime import datetime

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.common.database import Pool
from services.common.results.kept import COLUMNS, Cached, Result, of_row
from services.query.results.computation import Range

_encoder = msgspec.json.Encoder()

_GET = f"SELECT {COLUMNS} FROM results r WHERE r.team_id = %(team_id)s AND r.key = %(key)s"

_PUT = """
    INSERT INTO results (
        team_id, key, dependencies, body, query_interval, date_from, date_to, reached,
        started_at, last_refresh
    )
    VALUES (
        %(team_id)s, %(key)s, %(dependencies)s, %(body)s, %(interval)s, %(date_from)s, %(date_to)s,
        %(reached)s, %(started_at)s, %(last_refresh)s
    )
    ON CONFLICT (team_id, key) DO UPDATE SET
        dependencies = excluded.dependencies, body = excluded.body,
        query_interval = excluded.query_interval, date_from = excluded.date_from,
        date_to = excluded.date_to, reached = excluded.reached,
        started_at = excluded.started_at, last_refresh = excluded.last_refresh
    WHERE results.started_at <= excluded.started_at"""


async def get(pool: Pool, team_id: int, key: bytes, dependencies: bytes | None) -> Cached | None:
    """What is kept for this query.

    dependencies: today's digest; a result computed under another is outdated. None: not compared.
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(_GET, {"team_id": team_id, "key": key})
        row = await cursor.fetchone()
    return None if row is None else of_row(row, dependencies)


class Start(msgspec.Struct, frozen=True):
    """When a computation started. reached: what of the capture stream was visible then."""

    at: datetime
    reached: int


async def start(pool: Pool) -> Start:
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT clock_timestamp(), coalesce(max(reached), 0) FROM ingest_progress"
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("an aggregate gave no row")
    return Start(*row)


async def put(
    conn: AsyncConnection[TupleRow],
    team_id: int,
    key: bytes,
    result: Result,
    *,
    dependencies: bytes,
    range: Range,
    start: Start,
    last_refresh: datetime,
) -> None:
    """Keep it, unless what is kept was started later."""
    await conn.execute(
        _PUT,
        {
            "team_id": team_id,
            "key": key,
            "dependencies": dependencies,
            "body": _encoder.encode(result),
            "interval": range.interval,
            "date_from": range.date_from,
            "date_to": range.date_to,
            "reached": start.reached,
            "started_at": start.at,
            "last_refresh": last_refresh,
        },
    )
