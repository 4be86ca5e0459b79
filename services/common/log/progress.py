"""The lag of the projections behind the log."""

import msgspec
from psycopg.rows import args_row

from services.common.postgres.database import Pool


class ProjectionProgress(msgspec.Struct, frozen=True):
    """One projection's. position: applied; head: the log's last; parked: streams left behind.

    behind_seconds: the age of the first fact that is not applied; 0.0 when all are.
    """

    projection: str
    position: int
    head: int
    parked: int
    behind_seconds: float

    @property
    def behind(self) -> int:
        """Facts that are in the log and not in the rows. They include those that concern no row."""
        return max(self.head - self.position, 0)


async def progress(pool: Pool) -> list[ProjectionProgress]:
    """Of every projection, by name."""
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=args_row(ProjectionProgress))
        await cursor.execute(
            "SELECT projection, position,"
            " (SELECT coalesce(max(notification_id), 0) FROM log),"
            " (SELECT count(*) FROM parked_streams WHERE projection = checkpoints.projection),"
            " coalesce((SELECT extract(epoch FROM greatest(now() - recorded_at, interval '0'))"
            " FROM log WHERE notification_id = position + 1), 0)::float8"
            " FROM checkpoints ORDER BY projection"
        )
        return await cursor.fetchall()
