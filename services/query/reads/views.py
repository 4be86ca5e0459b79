"""Who has looked at what, counted from the entries that views made: exact, and never pruned.

A command that says that its caller looks at insights makes one entry for each of them.
"""

from datetime import datetime
from typing import LiteralString

import msgspec

from contracts.read_models.projections import ACTIVITY, CATALOG, INSIGHTS, LAST_VIEWED
from services.common.http.caller import Caller
from services.common.insights.joined_columns import COLUMNS, JOINS, NAMES, joined_columns
from services.common.postgres.database import Pool
from services.query.reads.access import CLOSED_BY, LEVEL, VISIBLE, access, access_values
from services.query.reads.insight_list import InsightListRow
from services.query.reads.insights import ROWS as INSIGHT_ROWS
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)

_VIEW: LiteralString = "a.team_id = %(team_id)s AND a.activity = 'viewed'"

_TRENDING: LiteralString = f"""
    WITH viewed AS (
        SELECT a.insight_id, count(*) AS views,
            array_agg(DISTINCT a.user_id) AS viewers
        FROM activity a WHERE {_VIEW} AND a.position > %(after)s
        GROUP BY a.insight_id
    ),
    shown AS (
        SELECT i.insight_id, i.row::text AS row, {COLUMNS}, {LEVEL} AS level,
            {CLOSED_BY} AS closed_by, viewed.views, viewed.viewers
        FROM viewed JOIN insights i
            ON i.team_id = %(team_id)s AND i.insight_id = viewed.insight_id {JOINS}
        WHERE NOT i.deleted AND (%(administrator)s OR {VISIBLE})
        ORDER BY viewed.views DESC, i.insight_id DESC LIMIT %(limit)s
    )
    SELECT {REACHED}, {TEAM_HEAD}, shown.row, {NAMES}, shown.level, shown.closed_by, shown.views,
        shown.viewers
    FROM (SELECT) AS one LEFT JOIN shown ON true
    ORDER BY shown.views DESC, shown.insight_id DESC"""

_VIEWERS: LiteralString = f"""
    WITH viewers AS (
        SELECT a.user_id, count(*) AS views, max(a.at) AS viewed_at
        FROM activity a WHERE {_VIEW} AND a.insight_id = %(number)s
        GROUP BY a.user_id
    )
    SELECT {REACHED}, {TEAM_HEAD}, viewers.*
    FROM (SELECT) AS one LEFT JOIN viewers ON true
    ORDER BY viewers.viewed_at DESC, viewers.user_id"""


class TrendingRow(msgspec.Struct, frozen=True):
    """viewers: the numbers of those who looked, ascending."""

    listed: InsightListRow
    views: int
    viewers: tuple[int, ...]


class Viewer(msgspec.Struct, frozen=True):
    user_id: int
    views: int
    viewed_at: datetime


class ViewReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def trending(
        self, caller: Caller, after: int, limit: int
    ) -> Snapshot[tuple[TrendingRow, ...]]:
        """The insights in sight that were looked at most since that position, most views first."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _TRENDING,
                access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "after": after,
                    "limit": limit,
                    "settings": caller.project.settings,
                    "projections": projections(INSIGHTS, ACTIVITY, LAST_VIEWED, CATALOG),
                },
            )
            rows = await cursor.fetchall()
        reached, head = rows[0][:2]
        found = []
        for _, _, row, *columns, level, closed_by, views, viewers in rows:
            if row is not None:
                listed = InsightListRow(
                    INSIGHT_ROWS.decode(row),
                    joined_columns(*columns),
                    access(level, closed_by),
                    None,
                )
                seen = tuple(number for number in viewers if number is not None)
                found.append(TrendingRow(listed, views, seen))
        return Snapshot(tuple(found), ReadPosition(reached or 0, head))

    async def viewers(self, caller: Caller, number: int) -> Snapshot[tuple[Viewer, ...]]:
        """Of one insight, the latest first."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _VIEWERS,
                {
                    "team_id": caller.team_id,
                    "number": number,
                    "projections": projections(ACTIVITY),
                },
            )
            rows = await cursor.fetchall()
        reached, head = rows[0][:2]
        found = tuple(Viewer(*row[2:]) for row in rows if row[2] is not None)
        return Snapshot(found, ReadPosition(reached or 0, head))
