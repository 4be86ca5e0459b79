"""Columns joined to insights that a command has just written: one look-up for many at once."""

from collections.abc import Sequence
from typing import LiteralString

import msgspec

from contracts.queries.of_insights import insight_key
from contracts.read_models.insight import InsightRow
from services.common.http.caller import Caller
from services.common.insights.joined_columns import COLUMNS, JoinedColumns, joined_columns, joins
from services.common.postgres.database import Pool
from services.common.postgres.grouped import GroupedLookups

_OF_EACH: LiteralString = f"""
    SELECT {COLUMNS}
    FROM unnest(
        %(team_ids)s::bigint[], %(insight_ids)s::bigint[], %(query_keys)s::bytea[],
        %(user_ids)s::bigint[], %(settings)s::bytea[]
    ) WITH ORDINALITY AS i (team_id, insight_id, query_key, user_id, settings, place)
    {joins("i.user_id", "i.settings")}
    ORDER BY i.place"""


class _Key(msgspec.Struct, frozen=True):
    """The caller who sees the insight, and the key of its kept result.

    settings: of the project, see Project.settings.
    """

    team_id: int
    insight_id: int
    query_key: bytes | None
    user_id: int
    settings: bytes


class JoinedLookup:
    """The columns of insights whose rows come from their histories, not from the read model."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._grouped = GroupedLookups(self._each)

    async def of(self, caller: Caller, row: InsightRow) -> JoinedColumns:
        """One round trip, shared with lookups at the same moment."""
        key = _Key(
            row.team_id,
            row.insight_id,
            insight_key(row),
            caller.user.id,
            caller.project.settings,
        )
        return await self._grouped.get(key)

    async def _each(self, keys: Sequence[_Key]) -> Sequence[JoinedColumns]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _OF_EACH,
                {
                    "team_ids": [each.team_id for each in keys],
                    "insight_ids": [each.insight_id for each in keys],
                    "query_keys": [each.query_key for each in keys],
                    "user_ids": [each.user_id for each in keys],
                    "settings": [each.settings for each in keys],
                },
            )
            return [joined_columns(*row) for row in await cursor.fetchall()]
