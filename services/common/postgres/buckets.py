"""The buckets of a deployment: how many there are, and how each stands."""

from datetime import datetime
from typing import LiteralString

import msgspec
from psycopg.rows import class_row

from contracts.subjects import capture_stream
from services.common.postgres.database import Pool

DISTRIBUTED = 16
"""Of a deployment on servers of its own, unless it is told otherwise."""

_COUNT: LiteralString = "SELECT count(*), (SELECT count(*) FROM projects) FROM bucket_shards"
_MAKE: LiteralString = """
    INSERT INTO bucket_shards (bucket, shard)
    SELECT bucket, 1 + bucket %% %(shards)s FROM generate_series(0, %(buckets)s - 1) AS bucket"""
_LIST: LiteralString = """
    SELECT b.bucket, b.shard, coalesce(p.reached, 0) AS reached, p.updated_at AS stored_at,
        CASE WHEN l.until > now() THEN coalesce(m.name, l.holder::text, 'pid ' || l.backend_pid) END
            AS holder,
        (SELECT count(*) FROM projects WHERE projects.bucket = b.bucket) AS projects
    FROM bucket_shards b
    JOIN unnest(%(buckets)s::integer[], %(streams)s::text[]) AS named (bucket, stream)
        USING (bucket)
    LEFT JOIN ingest_progress p ON p.stream = named.stream
    LEFT JOIN ingest_leases l ON l.stream = named.stream
    LEFT JOIN projector_members m ON m.id = l.holder
    ORDER BY b.bucket"""
_MOST: int = 100


class BucketsAreFixed(Exception):
    """Projects lie in the buckets: their number stays as it is."""

    def __init__(self, buckets: int, wanted: int) -> None:
        has = "1 bucket" if buckets == 1 else f"{buckets} buckets"
        super().__init__(
            f"This deployment has {has}, and projects lie in them: their number was fixed when it"
            f" was made, and can't become {wanted}. Nothing was changed."
        )


class BucketState(msgspec.Struct, frozen=True, kw_only=True):
    """reached: all up to this sequence of its stream is visible. stored_at: when it last moved.
    holder: the process that stores its events; None: nobody.
    """

    bucket: int
    shard: int
    reached: int
    stored_at: datetime | None
    holder: str | None
    projects: int

    @property
    def stream(self) -> str:
        return capture_stream(self.bucket)


async def make_buckets(pool: Pool, wanted: int | None, shards: int = 1) -> int:
    """How many there are from now on. Before there are projects: as many as wanted (None:
    DISTRIBUTED), spread over so many shards. Raises BucketsAreFixed.
    """
    async with pool.connection() as conn, conn.transaction():
        await conn.execute("LOCK TABLE bucket_shards, projects IN SHARE ROW EXCLUSIVE MODE")
        row = await (await conn.execute(_COUNT)).fetchone()
        buckets, projects = (0, 0) if row is None else row
        if projects:
            if wanted not in (None, buckets):
                raise BucketsAreFixed(buckets, wanted)
            return int(buckets)
        made = DISTRIBUTED if wanted is None else wanted
        await conn.execute("DELETE FROM bucket_shards")
        await conn.execute(_MAKE, {"buckets": made, "shards": shards})
        return made


async def bucket_states(pool: Pool) -> list[BucketState]:
    """All of them, by number."""
    numbers = list(range(_MOST))
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=class_row(BucketState))
        streams = [capture_stream(bucket) for bucket in numbers]
        await cursor.execute(_LIST, {"buckets": numbers, "streams": streams})
        return await cursor.fetchall()
