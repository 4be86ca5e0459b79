"""The wait until captured events that a caller has seen are visible to queries."""

import asyncio
import time

from contracts.ingest_position import IngestPosition
from services.common.http.problems import unavailable
from services.common.postgres.database import Pool

NAP_SECONDS = 0.02

_VISIBLE = "SELECT coalesce(max(reached), 0) FROM ingest_progress WHERE bucket = %s"


class IngestWait:
    """patience_seconds: how long a position is waited for, before 503."""

    def __init__(self, pool: Pool, patience_seconds: float) -> None:
        self._pool = pool
        self._patience_seconds = patience_seconds

    async def reach(self, position: IngestPosition) -> None:
        """Until captured events up to here are visible; asks nothing when nothing is wanted.

        Raises Rejected 503 when they are not in time.
        """
        if position.sequence <= 0:
            return
        deadline = time.monotonic() + self._patience_seconds
        while (visible := await self._visible(position.bucket)).sequence < position.sequence:
            if time.monotonic() >= deadline:
                detail = f"Ingest position {position} is not reached yet; this is at {visible}."
                raise unavailable(detail)
            await asyncio.sleep(NAP_SECONDS)

    async def _visible(self, bucket: int) -> IngestPosition:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_VISIBLE, (bucket,))
            row = await cursor.fetchone()
        return IngestPosition(bucket, int(row[0]) if row else 0)
