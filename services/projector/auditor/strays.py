"""Rows that no stream explains, found from the rows: page by page through every table."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never
from uuid import UUID

from msgspec import Struct
from psycopg import IsolationLevel
from psycopg.sql import SQL, Composable, Composed, Identifier

from services.common.log.stream_facts import existing, stream_id
from services.projector.auditor import metrics, state
from services.projector.auditor.comparing import RowKey, key_text, of_streams, team_of
from services.projector.auditor.history import Broken, unproved
from services.projector.auditor.shadow import Shadow
from services.projector.auditor.streams import healed
from services.projector.projection import (
    AtFact,
    NewestFact,
    Numbered,
    OwnStream,
    Projection,
    ProjectionTable,
    WholeChain,
)

PAGE = 1000


class _Row(Struct, frozen=True):
    """place: the values of its primary key. owner: its stream, or the number of that."""

    place: tuple[Any, ...]
    named: RowKey
    owner: Any


class StrayRows:
    """A walk through the tables. What a table's rows are explained by, the table itself says."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._tables = [
            (projection, table)
            for projection in shadow.projections
            for table in projection.tables
            if of_streams(table)
        ]
        self._at = 0
        self._after: tuple[Any, ...] | None = None

    async def step(self) -> tuple[int, Broken | None]:
        """Look at one page more; how many rows it had, and what of the log does not verify, so
        that strays stay where they are.
        """
        projection, table = self._tables[self._at]
        rows, strays = await self._look(projection, table)
        broken = None
        if strays:
            broken = await self._remove(projection, table, strays)
        if len(rows) < PAGE:
            self._at, self._after = self._at + 1, None
        else:
            self._after = rows[-1].place
        return len(rows), broken

    def is_over(self) -> bool:
        """Whether all tables were gone through. Then the next step begins anew."""
        if self._at < len(self._tables):
            return False
        self._at, self._after = 0, None
        return True

    async def _look(
        self, projection: Projection[Any], table: ProjectionTable
    ) -> tuple[Sequence[_Row], Sequence[_Row]]:
        conn = self._shadow.conn
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            standing = await self._shadow.standing(projection)
            rows = await self._page(table)
            strays = await self._strays(table, rows, standing.position)
            new = await state.found(conn, projection.name, [row.named for row in strays])
            metrics.divergent_rows.inc(new)
        return rows, strays

    async def _remove(
        self, projection: Projection[Any], table: ProjectionTable, strays: Sequence[_Row]
    ) -> Broken | None:
        conn = self._shadow.conn
        await conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
        async with conn.transaction():
            standing = await self._shadow.standing(projection, hold=True)
            teams = {row.named.team_id for row in strays}
            if (broken := await unproved(conn, (), teams)) is not None:
                return broken
            still = [
                again
                for row in strays
                for again in await self._strays(
                    table, await self._page(table, row.place), standing.position
                )
            ]
            async with conn.cursor() as cursor:
                await cursor.executemany(
                    SQL("DELETE FROM {} AS live WHERE {}").format(self._live(table), _at(table)),
                    [row.place for row in still],
                )
            await healed(conn, projection, standing.position, [row.named for row in strays])
        return None

    async def _page(
        self, table: ProjectionTable, place: tuple[Any, ...] | None = None
    ) -> list[_Row]:
        """place: of the only row that is asked for."""
        if place is not None:
            which, values = _at(table), place
        elif self._after is not None:
            which, values = _beyond(table), self._after
        else:
            which, values = SQL("true").format(), ()
        columns = [SQL("live.{}").format(Identifier(column)) for column in table.key]
        cursor = await self._shadow.conn.execute(
            SQL(
                "SELECT {named}, {team}, {owner}, {key} FROM {live} AS live"
                " WHERE {which} ORDER BY {key} LIMIT {page}"
            ).format(
                named=key_text(table, SQL("live")),
                team=team_of(self._shadow.home, table, SQL("live")),
                owner=self._owner(table),
                key=SQL(", ").join(columns),
                live=self._live(table),
                which=which,
                page=PAGE,
            ),
            values,
        )
        return [
            _Row(tuple(place), RowKey(named, team_id), owner)
            for named, team_id, owner, *place in await cursor.fetchall()
        ]

    async def _strays(
        self, table: ProjectionTable, rows: Sequence[_Row], position: int
    ) -> list[_Row]:
        owners: Mapping[tuple[Any, ...], UUID | None] = {
            row.place: _stream(table, row) for row in rows
        }
        known = await existing(
            self._shadow.conn, {one for one in owners.values() if one is not None}, position
        )
        return [row for row in rows if owners[row.place] not in known]

    def _live(self, table: ProjectionTable) -> Identifier:
        return Identifier(self._shadow.home, table.name)

    def _owner(self, table: ProjectionTable) -> Composable:
        match table.source:
            case OwnStream():
                return SQL("live.stream_id")
            case Numbered(column=column):
                return SQL("0") if column is None else SQL("live.{}").format(Identifier(column))
            case AtFact():
                return SQL(
                    "(SELECT originator_id FROM {} AS log WHERE log.team_id = live.team_id"
                    " AND log.notification_id = live.position)"
                ).format(Identifier(self._shadow.home, "log"))
            case NewestFact() | WholeChain():
                raise TypeError(f"no one stream explains a row of {table.name}")
            case _:
                assert_never(table.source)


def _stream(table: ProjectionTable, row: _Row) -> UUID | None:
    if isinstance(table.source, Numbered):
        return stream_id(table.source.kind, row.named.team_id, row.owner)
    owner: UUID | None = row.owner
    return owner


def _at(table: ProjectionTable) -> Composed:
    return SQL(" AND ").join(SQL("live.{} = %s").format(Identifier(column)) for column in table.key)


def _beyond(table: ProjectionTable) -> Composed:
    return SQL("({}) > ({})").format(
        SQL(", ").join(SQL("live.{}").format(Identifier(column)) for column in table.key),
        SQL(", ").join(SQL("%s") for _ in table.key),
    )
