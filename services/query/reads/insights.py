"""One insight, in at most one round trip."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

import msgspec
from psycopg.rows import args_row

from contracts.events.streams import insight_stream
from contracts.json import EMPTY_OBJECT, NULL
from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, HISTORY, INSIGHTS, LAST_VIEWED
from contracts.references import InsightReference
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.insights.caller_columns import EACH, ONE
from services.common.insights.joined_columns import COLUMNS, JoinedColumns, joined_columns, joins
from services.common.postgres.database import Pool
from services.common.postgres.grouped import GroupedLookups
from services.query.reads.access import (
    access,
    access_values,
    closed_by,
    level,
    unfolded_rule,
)
from services.query.reads.past import ONE_AT
from services.query.reads.read_position import REACHED, ReadPosition, Snapshot, projections
from services.query.reads.recent_answers import state
from services.query.reads.salvage import DAWN, Salvage

SHORT_IDS_KEPT = 10_000
NOBODYS = 0
"""A number that no insight has."""

# Without documents it has no result.
ROWS = Salvage(
    InsightRow(
        team_id=0,
        insight_id=NOBODYS,
        short_id="",
        name=None,
        derived_name=None,
        description=None,
        filters=EMPTY_OBJECT,
        query=NULL,
        order=None,
        deleted=False,
        favorited=False,
        saved=False,
        is_sample=False,
        created_at=DAWN,
        created_by=None,
        updated_at=DAWN,
        last_modified_at=DAWN,
        last_modified_by=None,
        version=0,
    )
)

# A read waits for the last fact of this insight or of the project's access rules, never for another
# insight's.
_EACH: LiteralString = f"""
    SELECT i.row::text, {COLUMNS}, p.position, {level(EACH)}, {closed_by(EACH)}, {REACHED},
        greatest({unfolded_rule(EACH)}, (
            SELECT notification_id FROM log WHERE originator_id = asked.stream_id
            ORDER BY originator_version DESC LIMIT 1
        )), {state(EACH)}
    FROM (SELECT) AS one
    LEFT JOIN insights i ON i.team_id = asked.team_id AND i.insight_id = asked.number
    {joins(EACH.user_id, EACH.settings)}
    LEFT JOIN parked_streams p ON p.projection = 'insights' AND p.stream_id = asked.stream_id"""
_MANY: LiteralString = f"""
    SELECT each.* FROM unnest(
        %(team_ids)s::bigint[], %(numbers)s::bigint[], %(stream_ids)s::uuid[],
        %(user_ids)s::bigint[], %(administrators)s::boolean[], %(settings)s::bytea[]
    ) WITH ORDINALITY
        AS asked (team_id, number, stream_id, user_id, administrator, settings, place)
    CROSS JOIN LATERAL ({_EACH}) AS each
    ORDER BY asked.place"""

# As of a moment; `now` is the insight today, by which the caller's level goes.
_PAST: LiteralString = f"""
    WITH may AS (
        SELECT {level(ONE)} AS level, {closed_by(ONE)} AS closed_by
        FROM insights i WHERE i.team_id = %(team_id)s AND i.insight_id = %(number)s
    ),
    i AS (
        SELECT v.* FROM insight_versions v WHERE v.stream_id = %(stream_id)s AND {ONE_AT}
    )
    SELECT i.row::text, {COLUMNS}, p.position, may.level, may.closed_by, {REACHED},
        greatest({unfolded_rule(ONE)}, %(as_of)s::bigint), {state(ONE)}
    FROM (SELECT) AS one
    LEFT JOIN i ON true
    LEFT JOIN may ON true
    {joins(ONE.user_id, ONE.settings)}
    LEFT JOIN parked_streams p ON p.projection = 'history' AND p.stream_id = %(stream_id)s"""


class FoundInsight(msgspec.Struct, frozen=True):
    """row: None when there is none. joined: its joined columns.

    parked_at: the position of the fact from which on its stream can't be followed.
    access: what the caller may do with it.
    """

    row: InsightRow | None
    joined: JoinedColumns
    parked_at: int | None
    access: Access


class InsightLookup(msgspec.Struct, frozen=True):
    """A caller's lookup of one insight. settings: see Project.settings."""

    team_id: int
    number: int
    user_id: int
    administrator: bool
    settings: bytes


class InsightReads:
    """Reads of single insights. Lookups at the same moment share one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._grouped = GroupedLookups(self._each)
        self._short_ids: OrderedDict[tuple[int, str], int] = OrderedDict()

    async def one(self, caller: Caller, wanted: InsightReference) -> Snapshot[FoundInsight]:
        """The insight, deleted or not, as the caller sees it."""
        number = wanted.number
        if wanted.short_id is not None:
            number = await self.number(caller.team_id, wanted.short_id)
        asked = InsightLookup(
            caller.team_id,
            number or NOBODYS,
            caller.user.id,
            caller.is_administrator,
            caller.project.settings,
        )
        return await self._grouped.get(asked)

    async def one_then(self, caller: Caller, number: int, as_of: int) -> Snapshot[FoundInsight]:
        """The insight as it was at that position, deleted or not; what the caller may is today's.

        Without a row today, its history can't be followed: then nobody may see it.
        """
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(_found))
            await cursor.execute(
                _PAST,
                access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "number": number,
                    "stream_id": insight_stream(caller.team_id, number).id,
                    "settings": caller.project.settings,
                    "as_of": as_of,
                    "projections": projections(INSIGHTS, LAST_VIEWED, CATALOG, HISTORY),
                },
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("the statement always gives one row")
        return row

    async def number(self, team_id: int, short_id: str) -> int | None:
        """The number of an insight, projected or not; None when no insight was ever called so.

        Both were given together, before the insight was created, and never part: what is known is
        not asked again.
        """
        known = self._short_ids.get((team_id, short_id))
        if known is not None:
            return known
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id FROM insight_ids"
                " WHERE team_id = %(team_id)s AND short_id = %(short_id)s",
                {"team_id": team_id, "short_id": short_id},
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        self._short_ids[team_id, short_id] = int(row[0])
        if len(self._short_ids) > SHORT_IDS_KEPT:
            self._short_ids.popitem(last=False)
        return int(row[0])

    async def _each(self, asked: Sequence[InsightLookup]) -> Sequence[Snapshot[FoundInsight]]:
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(_found))
            await cursor.execute(
                _MANY,
                {
                    "team_ids": [each.team_id for each in asked],
                    "numbers": [each.number for each in asked],
                    "stream_ids": [insight_stream(each.team_id, each.number).id for each in asked],
                    "user_ids": [each.user_id for each in asked],
                    "administrators": [each.administrator for each in asked],
                    "settings": [each.settings for each in asked],
                    "projections": projections(INSIGHTS, LAST_VIEWED, CATALOG),
                },
            )
            return await cursor.fetchall()


def _found(
    row: str | None,
    viewed_at: datetime | None,
    kept_body: bytes | None,
    kept_interval: str | None,
    kept_refresh: datetime | None,
    read_at: datetime,
    live_job: str | None,
    parked_at: int | None,
    level: int | None,
    closed_by: int | None,
    reached: int | None,
    wanted: int,
    state: str | None,
) -> Snapshot[FoundInsight]:
    insight = None if row is None else ROWS.decode(row)
    joined = joined_columns(viewed_at, kept_body, kept_interval, kept_refresh, read_at, live_job)
    found = FoundInsight(insight, joined, parked_at, access(level or 0, closed_by or 0))
    return Snapshot(found, ReadPosition(reached or 0, wanted, state))
