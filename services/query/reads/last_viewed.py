"""The insights that a user looked at last, in one round trip."""

from datetime import datetime
from typing import LiteralString

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, INSIGHTS, LAST_VIEWED
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.postgres.database import Pool
from services.query.reads.access import CLOSED_BY, LEVEL, VISIBLE, access, access_values
from services.query.reads.insights import ROWS as INSIGHT_ROWS
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)

# PostHog: InsightViewSet.my_last_viewed, at most five, newest first.
MOST = 5

_NEWEST: LiteralString = f"""
    WITH newest AS (
        SELECT v.viewed_at, v.insight_id, i.row::text AS row, {LEVEL} AS level,
            {CLOSED_BY} AS closed_by
        FROM last_viewed v
        JOIN insights i ON i.team_id = v.team_id AND i.insight_id = v.insight_id AND NOT i.deleted
        WHERE v.team_id = %(team_id)s AND v.user_id = %(user_id)s
            AND (%(administrator)s OR {VISIBLE})
        ORDER BY v.viewed_at DESC, v.insight_id DESC LIMIT %(most)s
    )
    SELECT {REACHED}, {TEAM_HEAD}, newest.row, newest.viewed_at, newest.level, newest.closed_by
    FROM (SELECT) AS one LEFT JOIN newest ON true
    ORDER BY newest.viewed_at DESC, newest.insight_id DESC"""


class ViewedInsight(msgspec.Struct, frozen=True):
    row: InsightRow
    viewed_at: datetime
    access: Access


class LastViewedReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, caller: Caller) -> Snapshot[tuple[ViewedInsight, ...]]:
        """The insights in sight that the caller looked at, the latest first."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _NEWEST,
                access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "most": MOST,
                    "projections": projections(INSIGHTS, LAST_VIEWED, CATALOG),
                },
            )
            rows = await cursor.fetchall()
        reached, head = rows[0][:2]
        viewed = tuple(
            ViewedInsight(INSIGHT_ROWS.decode(row[2]), row[3], access(row[4], row[5]))
            for row in rows
            if row[2] is not None
        )
        return Snapshot(viewed, ReadPosition(reached or 0, head))
