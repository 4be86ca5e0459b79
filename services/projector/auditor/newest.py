"""Rows that hold the position of a project's newest fact: no one stream explains them."""

from collections.abc import Sequence
from typing import Any

from psycopg import IsolationLevel
from psycopg.sql import SQL, Composed, Identifier

from services.projector.auditor import metrics, state
from services.projector.auditor.comparing import RowKey, key_text
from services.projector.auditor.history import Broken, unproved
from services.projector.auditor.shadow import Shadow
from services.projector.auditor.streams import healed
from services.projector.projection import NewestFact, Projection, ProjectionTable

# From the project's end back to the first fact of the topic that was applied.
_TOLD = """
    SELECT log.notification_id FROM {log} AS log
    WHERE log.team_id = teams.team_id AND split_part(log.topic, '.', 1) = %(topic)s
        AND log.notification_id <= %(position)s
        AND NOT EXISTS (
            SELECT FROM {parked} AS parked WHERE parked.projection = %(projection)s
                AND parked.stream_id = log.originator_id
                AND parked.position <= log.notification_id
        )
    ORDER BY log.team_seq DESC LIMIT 1"""

_DIFFERING = """
    SELECT {key}, live.team_id, live.told FROM (
        SELECT teams.team_id, ({told}) AS told FROM (
            SELECT team_id FROM {heads} UNION SELECT team_id FROM {table}
        ) AS teams
    ) AS live LEFT JOIN {table} AS known USING (team_id)
    WHERE live.told IS DISTINCT FROM known.position"""


class NewestPositions:
    """All of them are looked at in one step: there is one row per project."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._tables = [
            (projection, table, table.source)
            for projection in shadow.projections
            for table in projection.tables
            if isinstance(table.source, NewestFact)
        ]

    async def step(self) -> Broken | None:
        """Gives what of the log does not verify, so that nothing was righted by it."""
        conn = self._shadow.conn
        for projection, table, source in self._tables:
            await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            async with conn.transaction():
                wrong = await self._differing(projection, table, source)
                rows = [row for row, _ in wrong]
                metrics.divergent_rows.inc(await state.found(conn, projection.name, rows))
            if wrong:
                broken = await self._put_right(projection, table, source, rows)
                if broken is not None:
                    return broken
        return None

    async def _put_right(
        self,
        projection: Projection[Any],
        table: ProjectionTable,
        source: NewestFact,
        found: Sequence[RowKey],
    ) -> Broken | None:
        conn = self._shadow.conn
        await conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
        async with conn.transaction():
            standing = await self._shadow.standing(projection, hold=True)
            if broken := await unproved(conn, (), {row.team_id for row in found}):
                return broken
            live = Identifier(self._shadow.home, table.name)
            for row, told in await self._differing(projection, table, source):
                await conn.execute(
                    SQL("DELETE FROM {} WHERE team_id = %s").format(live), (row.team_id,)
                )
                if told is not None:
                    await conn.execute(
                        SQL("INSERT INTO {} (team_id, position) VALUES (%s, %s)").format(live),
                        (row.team_id, told),
                    )
            await healed(conn, projection, standing.position, found)
        return None

    async def _differing(
        self, projection: Projection[Any], table: ProjectionTable, source: NewestFact
    ) -> list[tuple[RowKey, int | None]]:
        standing = await self._shadow.standing(projection)
        cursor = await self._shadow.conn.execute(
            self._statement(table),
            {
                "topic": source.topic,
                "position": standing.position,
                "projection": projection.name,
            },
        )
        return [(RowKey(key, team_id), told) for key, team_id, told in await cursor.fetchall()]

    def _statement(self, table: ProjectionTable) -> Composed:
        home = self._shadow.home
        told = SQL(_TOLD).format(
            log=Identifier(home, "log"), parked=Identifier(home, "parked_streams")
        )
        return SQL(_DIFFERING).format(
            key=key_text(table, SQL("live")),
            told=told,
            heads=Identifier(home, "log_heads"),
            table=Identifier(home, table.name),
        )
