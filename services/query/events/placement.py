"""On which shard of ClickHouse a project's product events lie."""

from typing import LiteralString

from services.common.postgres.database import Pool

_SHARD: LiteralString = """
    SELECT s.shard FROM projects p JOIN bucket_shards s ON s.bucket = p.bucket WHERE p.id = %s"""


async def shard_of(pool: Pool, team_id: int) -> int:
    """Its number, from 1; of a project that is not there, the first."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_SHARD, (team_id,))).fetchone()
    return 1 if row is None else int(row[0])
