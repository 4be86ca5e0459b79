"""The processes that store product events share the buckets between them, evenly."""

from collections.abc import Mapping
from typing import LiteralString
from uuid import UUID

import msgspec

from services.common.stream import capture_stream
from services.projector.product_events.lease import LEASE
from services.projector.product_events.person_tables import Conn

MOST_BUCKETS = 100

_BEAT: LiteralString = """
    INSERT INTO projector_members (id, name, seen_at) VALUES (%(id)s, %(name)s, now())
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"""
_FORGET: LiteralString = """
    DELETE FROM projector_members
    WHERE id = %(id)s OR seen_at < now() - 100 * make_interval(secs => %(seconds)s)"""
# A lock is what excludes; a holder that has not renewed its lease in time is frozen.
_LOOK: LiteralString = """
    SELECT b.bucket, b.shard, l.stream IS NULL OR l.until < now() OR NOT EXISTS (
            SELECT FROM pg_locks held
            WHERE held.locktype = 'advisory' AND held.granted
                AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND held.classid = %(kind)s::bigint::oid AND held.objsubid = 2
                AND held.objid::bigint = hashtext(named.stream)::bigint & 4294967295
        ),
        (SELECT count(*) FROM projector_members
            WHERE seen_at > now() - make_interval(secs => %(seconds)s))
    FROM bucket_shards b
    JOIN unnest(%(buckets)s::integer[], %(streams)s::text[]) AS named (bucket, stream)
        USING (bucket)
    LEFT JOIN ingest_leases l ON l.stream = named.stream
    ORDER BY b.bucket"""


class Standing(msgspec.Struct, frozen=True):
    """How the buckets stand. shards: by bucket, in order. free: nobody holds them, or nobody who
    lives. live: processes.
    """

    shards: Mapping[int, int]
    free: frozenset[int]
    live: int

    @property
    def share(self) -> int:
        """The most that one process holds."""
        return -(-len(self.shards) // max(self.live, 1))


class Member(msgspec.Struct, frozen=True):
    """One process. name: for people. seconds: after so long without a word it is counted dead."""

    id: UUID
    name: str
    prefix: str
    seconds: float

    async def beat(self, conn: Conn) -> None:
        """Say that it lives."""
        await conn.execute(_BEAT, {"id": self.id, "name": self.name})

    async def leave(self, conn: Conn) -> None:
        await conn.execute(_FORGET, {"id": self.id, "seconds": self.seconds})

    async def look(self, conn: Conn) -> Standing:
        numbers = list(range(MOST_BUCKETS))
        cursor = await conn.execute(
            _LOOK,
            {
                "kind": LEASE,
                "seconds": self.seconds,
                "buckets": numbers,
                "streams": [capture_stream(self.prefix, bucket) for bucket in numbers],
            },
        )
        rows = await cursor.fetchall()
        return Standing(
            shards={bucket: shard for bucket, shard, _, _ in rows},
            free=frozenset(bucket for bucket, _, is_free, _ in rows if is_free),
            live=rows[0][3] if rows else 1,
        )
