"""One project with its settings, in one round trip; never from memory."""

from typing import LiteralString

import msgspec
from psycopg.rows import dict_row

from contracts.events.streams import project_stream
from contracts.read_models.projections import CATALOG, HISTORY
from services.common.accounts.accounts import PROJECT_COLUMNS, Project
from services.common.postgres.database import Pool
from services.query.reads.past import ONE_AT
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)

_ONE: LiteralString = f"""
    SELECT {REACHED} AS reached, {TEAM_HEAD} AS head,
        (SELECT p.position FROM parked_streams p
        WHERE p.projection = 'catalog' AND p.stream_id = %(stream_id)s) AS parked_at,
        {PROJECT_COLUMNS}, version
    FROM current_projects WHERE id = %(team_id)s"""

_THEN: LiteralString = f"""
    SELECT {REACHED} AS reached, {TEAM_HEAD} AS head,
        (SELECT p.position FROM parked_streams p
        WHERE p.projection = 'history' AND p.stream_id = %(stream_id)s) AS parked_at,
        p.id, p.uuid, p.organization_id, coalesce(s.row->>'name', p.name) AS name, p.api_token,
        coalesce(s.row->>'timezone', p.timezone) AS timezone,
        coalesce((s.row->>'week_start_day')::smallint, p.week_start_day) AS week_start_day,
        coalesce(s.row->'test_account_filters', p.test_account_filters::json)
            AS test_account_filters,
        p.created_at, coalesce(s.version, 0) AS version
    FROM projects p LEFT JOIN LATERAL (
        SELECT v.row, v.version FROM versions v WHERE v.stream_id = %(stream_id)s AND {ONE_AT}
    ) AS s ON true
    WHERE p.id = %(team_id)s"""


class OneProject(msgspec.Struct, frozen=True):
    """parked_at: see `reads.insights.FoundInsight`."""

    project: Project
    parked_at: int | None


class ProjectReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, team_id: int, as_of: int | None = None) -> Snapshot[OneProject]:
        """A project is never taken away: who asks has found it already.

        as_of: a position of the past; before its first fact it has the settings it was made with.
        """
        values = {
            "team_id": team_id,
            "stream_id": project_stream(team_id).id,
            "as_of": as_of,
            "projections": projections(CATALOG, *(() if as_of is None else (HISTORY,))),
        }
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=dict_row).execute(
                _ONE if as_of is None else _THEN, values
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError(f"project {team_id} is gone")
        reached, head, parked_at = (row.pop(name) for name in ("reached", "head", "parked_at"))
        return Snapshot(OneProject(Project(**row), parked_at), ReadPosition(reached or 0, head))
