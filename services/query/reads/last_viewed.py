"""What a user looked at last, in one round trip."""

from datetime import datetime
from typing import LiteralString

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import INSIGHTS, LAST_VIEWED
from services.common.database import Pool
from services.query.reads.insights import decoded
from services.query.reads.standing import REACHED, TEAM_HEAD, Seen, Standing, projections

# PostHog: InsightViewSet.my_last_viewed, at most five, newest first.
MOST = 5

_NEWEST: LiteralString = f"""
    WITH newest AS (
        SELECT v.viewed_at, v.insight_id, i.row::text AS row FROM last_viewed v
        JOIN insights i ON i.team_id = v.team_id AND i.insight_id = v.insight_id AND NOT i.deleted
        WHERE v.team_id = %(team_id)s AND v.user_id = %(user_id)s
        ORDER BY v.viewed_at DESC, v.insight_id DESC LIMIT %(most)s
    )
    SELECT {REACHED}, {TEAM_HEAD}, newest.row, newest.viewed_at
    FROM (SELECT) AS one LEFT JOIN newest ON true
    ORDER BY newest.viewed_at DESC, newest.insight_id DESC"""


class Viewed(msgspec.Struct, frozen=True):
    row: InsightRow
    viewed_at: datetime


class LastViewedReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, team_id: int, user_id: int) -> Seen[tuple[Viewed, ...]]:
        """The insights in sight that the user looked at, the latest first."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _NEWEST,
                {
                    "team_id": team_id,
                    "user_id": user_id,
                    "most": MOST,
                    "projections": projections(INSIGHTS, LAST_VIEWED),
                },
            )
            rows = await cursor.fetchall()
        reached, head = rows[0][:2]
        viewed = tuple(Viewed(decoded(row[2]), row[3]) for row in rows if row[2] is not None)
        return Seen(viewed, Standing(reached or 0, head))
