"""Dashboards with the insights on them, in one round trip."""

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec

from contracts.events.dashboard import RestrictionLevel
from contracts.events.streams import dashboard_stream
from contracts.json import EMPTY_OBJECT
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, HISTORY, INSIGHTS, LAST_VIEWED
from services.common.http.caller import Caller
from services.common.insights.access import EVERYONE_EDITS, Access
from services.common.insights.joined_columns import (
    COLUMNS,
    JOINS,
    NAMES,
    JoinedColumns,
    joined_columns,
)
from services.common.postgres.database import Pool
from services.query.reads import past
from services.query.reads.access import CLOSED_BY, LEVEL, VISIBLE, access, access_values
from services.query.reads.insights import ROWS as INSIGHT_ROWS
from services.query.reads.listing import Int64, PageRequest
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)
from services.query.reads.salvage import DAWN, Salvage

ROWS = Salvage(
    DashboardRow(
        team_id=0,
        dashboard_id=0,
        name=None,
        description="",
        filters=EMPTY_OBJECT,
        restriction_level=EVERYONE_EDITS,
        pinned=False,
        created_at=DAWN,
        created_by=None,
        updated_at=DAWN,
        version=0,
    )
)


# The dashboards of a page, each with its insights in sight, in rows of one of each.
def _beside(restricted: LiteralString) -> LiteralString:
    """restricted: how an insight's dashboards restrict it."""
    return f"""
    LEFT JOIN LATERAL (
        SELECT i.row::text AS row, {COLUMNS}, {LEVEL} AS level, {restricted} AS closed_by
        FROM insights i {JOINS}
        WHERE i.team_id = %(team_id)s AND i.dashboards @> ARRAY[picked.dashboard_id]
            AND NOT i.deleted AND (%(administrator)s OR {VISIBLE})
    ) AS shown ON true"""


def _list(
    before: LiteralString, restricted: LiteralString, restriction: LiteralString
) -> LiteralString:
    """before: what the tables are, where they are not the present's. restriction: a dashboard's."""
    return f"""
    WITH {before} picked AS (
        SELECT d.dashboard_id, d.row::text AS row, d.pinned, d.name_key,
            {restriction} AS restriction
        FROM dashboards d
        WHERE d.team_id = %(team_id)s AND NOT d.deleted AND (%(number)s::bigint IS NULL OR
            (NOT d.pinned, d.name_key IS NULL, coalesce(d.name_key, ''), d.dashboard_id)
            > (%(unpinned)s, %(nameless)s, %(name)s COLLATE "C", %(number)s))
        ORDER BY d.pinned DESC, d.name_key, d.dashboard_id LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT {REACHED}, {TEAM_HEAD},
        (SELECT count(*) FROM dashboards d WHERE d.team_id = %(team_id)s AND NOT d.deleted),
        picked.dashboard_id, picked.row, picked.restriction, shown.level, shown.closed_by,
        shown.row, {NAMES},
        picked.pinned, picked.name_key
    FROM (SELECT) AS one LEFT JOIN picked ON true {_beside(restricted)}
    ORDER BY picked.pinned DESC, picked.name_key, picked.dashboard_id"""


def _one(
    before: LiteralString, restricted: LiteralString, restriction: LiteralString
) -> LiteralString:
    return f"""
    WITH {before} picked AS (
        SELECT d.dashboard_id, d.row::text AS row, {restriction} AS restriction
        FROM dashboards d
        WHERE d.team_id = %(team_id)s AND d.dashboard_id = %(number)s AND NOT d.deleted
    )
    SELECT {REACHED}, {TEAM_HEAD}, (
            SELECT p.position FROM parked_streams p
            WHERE p.projection = 'catalog' AND p.stream_id = %(stream_id)s
        ),
        picked.dashboard_id, picked.row, picked.restriction, shown.level, shown.closed_by,
        shown.row, {NAMES}
    FROM (SELECT) AS one LEFT JOIN picked ON true {_beside(restricted)}"""


_PRESENT = (CLOSED_BY, "d.restriction_level")
_PAST = (past.CLOSED_BY_NOW, past.RESTRICTION_NOW)
_LIST, _ONE = _list("", *_PRESENT), _one("", *_PRESENT)
_PAST_LIST = _list(f"{past.INSIGHTS}, {past.DASHBOARDS},", *_PAST)
_PAST_ONE = _one(f"{past.INSIGHTS}, {past.ONE_DASHBOARD},", *_PAST)
_ROW: LiteralString = """
    SELECT row::text FROM dashboards
    WHERE team_id = %(team_id)s AND dashboard_id = %(number)s AND NOT deleted"""
_PAST_ROW: LiteralString = f"WITH {past.ONE_DASHBOARD} {_ROW}"


class DashboardInsight(msgspec.Struct, frozen=True):
    """An insight on a dashboard."""

    row: InsightRow
    joined: JoinedColumns
    access: Access


class FoundDashboard(msgspec.Struct, frozen=True):
    """insights: those on it and in sight of the caller, in no order. restriction: today's, whatever
    moment the row is of.
    """

    row: DashboardRow
    restriction: RestrictionLevel
    insights: tuple[DashboardInsight, ...]


class DashboardEnd(msgspec.Struct, frozen=True, array_like=True):
    """The values that dashboards are ordered by. name: as it is compared."""

    pinned: bool
    name: str | None
    number: Int64


class DashboardRows(msgspec.Struct, frozen=True):
    """Pinned ones first, then by name. count: of all pages together. more: whether some come after
    these. end: of the last of these.
    """

    dashboards: tuple[FoundDashboard, ...]
    count: int
    more: bool
    end: DashboardEnd | None


class OneDashboard(msgspec.Struct, frozen=True):
    """found: None when there is none in sight. parked_at: see `reads.insights.FoundInsight`."""

    found: FoundDashboard | None
    parked_at: int | None


class DashboardReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, caller: Caller, page: PageRequest[DashboardEnd], as_of: int | None = None
    ) -> Snapshot[DashboardRows]:
        """as_of: a position of the past, of dashboards and insights alike."""
        after = page.after
        values: dict[str, object] = {
            "limit": page.looked_for,
            "offset": page.skipped,
            "unpinned": None if after is None else not after.pinned,
            "nameless": None if after is None else after.name is None,
            "name": None if after is None else after.name or "",
            "number": None if after is None else after.number,
        }
        statement = _LIST if as_of is None else _PAST_LIST
        rows = await self._rows(statement, caller, values, as_of)
        ends = {
            row[3]: DashboardEnd(row[-2], row[-1], row[3]) for row in rows if row[3] is not None
        }
        found = _grouped([row[:-2] for row in rows])
        shown = found[: page.limit]
        end = ends[shown[-1].row.dashboard_id] if shown else None
        more = len(found) > page.limit
        return Snapshot(DashboardRows(shown, rows[0][2], more, end), _standing(rows))

    async def one(
        self, caller: Caller, number: int, as_of: int | None = None
    ) -> Snapshot[OneDashboard]:
        """as_of: a position of the past; one that was deleted shows there."""
        stream = dashboard_stream(caller.team_id, number)
        statement = _ONE if as_of is None else _PAST_ONE
        values: dict[str, object] = {"number": number, "stream_id": stream.id}
        rows = await self._rows(statement, caller, values, as_of)
        found = _grouped(rows)
        return Snapshot(OneDashboard(found[0] if found else None, rows[0][2]), _standing(rows))

    async def row(self, team_id: int, number: int, as_of: int | None = None) -> DashboardRow | None:
        """The dashboard alone; None when there is none in sight."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _ROW if as_of is None else _PAST_ROW,
                {
                    "team_id": team_id,
                    "number": number,
                    "as_of": as_of,
                    "stream_id": dashboard_stream(team_id, number).id,
                },
            )
            found = await cursor.fetchone()
        return None if found is None else ROWS.decode(found[0])

    async def _rows(
        self,
        statement: LiteralString,
        caller: Caller,
        values: dict[str, object],
        as_of: int | None,
    ) -> Sequence[Sequence[Any]]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                statement,
                values
                | access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "settings": caller.project.settings,
                    "as_of": as_of,
                    "projections": projections(
                        INSIGHTS, LAST_VIEWED, CATALOG, *(() if as_of is None else (HISTORY,))
                    ),
                },
            )
            return await cursor.fetchall()


def _standing(rows: Sequence[Sequence[Any]]) -> ReadPosition:
    """Each row begins with it; there is one even when nothing is found."""
    return ReadPosition(rows[0][0] or 0, rows[0][1])


def _grouped(rows: Sequence[Sequence[Any]]) -> tuple[FoundDashboard, ...]:
    boards: dict[int, tuple[DashboardRow, RestrictionLevel]] = {}
    insights: dict[int, list[DashboardInsight]] = {}
    for row in rows:
        number, board, restriction, level, closed_by, insight, *columns = row[3:]
        if number is None:
            continue
        if number not in boards:
            decoded = ROWS.decode(board)
            # Where it is not known today, what it was counts.
            boards[number] = (decoded, restriction or decoded.restriction_level)
            insights[number] = []
        if insight is not None:
            on = DashboardInsight(
                INSIGHT_ROWS.decode(insight), joined_columns(*columns), access(level, closed_by)
            )
            insights[number].append(on)
    return tuple(
        FoundDashboard(row, restriction, tuple(insights[number]))
        for number, (row, restriction) in boards.items()
    )
