"""The cache of results, in PostgreSQL: one row per project and query."""

from datetime import datetime

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.common.database import Pool
from services.query.results.computation import Range, Result
from services.query.results.freshness import Computed

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Result)

# `late_at`: what arrived late in one of the months looked at, or moved between persons.
COLUMNS = """
    r.body, r.dependencies, r.query_interval, r.date_to, r.started_at, r.last_refresh,
    greatest(
        (SELECT max(l.at) FROM late_arrivals l WHERE l.team_id = r.team_id
            AND l.month + interval '1 month' > coalesce(r.date_from, '-infinity')
            AND l.month <= coalesce(r.date_to, 'infinity')),
        (SELECT i.at FROM identity_changes i WHERE i.team_id = r.team_id)
    ) AS late_at"""

_GET = f"SELECT {COLUMNS} FROM results r WHERE r.team_id = %(team_id)s AND r.key = %(key)s"

_PUT = """
    INSERT INTO results (
        team_id, key, dependencies, body, query_interval, date_from, date_to, started_at,
        last_refresh
    )
    VALUES (
        %(team_id)s, %(key)s, %(dependencies)s, %(body)s, %(interval)s, %(date_from)s, %(date_to)s,
        %(started_at)s, %(last_refresh)s
    )
    ON CONFLICT (team_id, key) DO UPDATE SET
        dependencies = excluded.dependencies, body = excluded.body,
        query_interval = excluded.query_interval, date_from = excluded.date_from,
        date_to = excluded.date_to, started_at = excluded.started_at,
        last_refresh = excluded.last_refresh
    WHERE results.started_at <= excluded.started_at"""


class Cached(msgspec.Struct, frozen=True):
    """A kept result. dependencies: the digest it was computed under."""

    result: Result
    computed: Computed
    dependencies: bytes


async def get(pool: Pool, team_id: int, key: bytes, dependencies: bytes | None) -> Cached | None:
    """What is kept for this query.

    dependencies: today's digest; a result computed under another is outdated. None: not compared.
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(_GET, {"team_id": team_id, "key": key})
        row = await cursor.fetchone()
    return None if row is None else of_row(row, dependencies)


def of_row(row: TupleRow, dependencies: bytes | None) -> Cached:
    """From COLUMNS, in their order."""
    body, under, interval, date_to, started_at, last_refresh, late_at = row
    return Cached(
        _decoder.decode(body),
        Computed(
            last_refresh=last_refresh,
            started_at=started_at,
            interval=interval,
            date_to=date_to,
            late_at=late_at,
            outdated=dependencies is not None and bytes(under) != dependencies,
        ),
        bytes(under),
    )


async def put(
    conn: AsyncConnection[TupleRow],
    team_id: int,
    key: bytes,
    result: Result,
    *,
    dependencies: bytes,
    range: Range,
    started_at: datetime,
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
            "started_at": started_at,
            "last_refresh": last_refresh,
        },
    )
