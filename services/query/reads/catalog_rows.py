"""Rows without joined columns, actions and cohorts: one, or a page with its count."""

from collections.abc import Callable
from typing import Generic, LiteralString, TypeVar

import msgspec

from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.read_models.projections import CATALOG, HISTORY
from services.common.postgres.database import Pool
from services.query.reads.listing import NumberEnd, PageRequest
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)

R = TypeVar("R")

NAMED: LiteralString = "(%(search)s::text IS NULL OR strpos(name_key, %(search)s) > 0)"
"""Holds for a row of either table that has in its name what is looked for."""

_PARKED: LiteralString = """
    (SELECT p.position FROM parked_streams p
    WHERE p.projection = 'catalog' AND p.stream_id = %(stream_id)s)"""


class RowPage(msgspec.Struct, Generic[R], frozen=True):
    """count: of all pages together. more: whether some come after these."""

    rows: tuple[R, ...]
    count: int
    more: bool


class OneRow(msgspec.Struct, Generic[R], frozen=True):
    """row: None when there is none in sight. parked_at: see `reads.insights.FoundInsight`."""

    row: R | None
    parked_at: int | None


class CatalogReads(Generic[R]):
    """decode: how a row is read. list_, count, one: statements over one table, with the values of
    team_id, search, limit, offset, before (a number) and number. then: the same table as it was,
    for a page and for one; without it there is no past to ask for.
    """

    def __init__(
        self,
        pool: Pool,
        kind: StreamKind,
        decode: Callable[[str], R],
        list_: LiteralString,
        count: LiteralString,
        one: LiteralString,
        then: tuple[LiteralString, LiteralString] | None = None,
    ) -> None:
        self._pool = pool
        self._kind = kind
        self._decode = decode
        self._page: LiteralString = f"""
            SELECT {REACHED}, {TEAM_HEAD}, ({count}), page.row
            FROM (SELECT) AS one LEFT JOIN ({list_}) AS page ON true"""
        self._one: LiteralString = f"""
            SELECT {REACHED}, {TEAM_HEAD}, {_PARKED}, found.row
            FROM (SELECT) AS one LEFT JOIN ({one}) AS found ON true"""
        page_then, one_then = then or ("", "")
        self._past_page: LiteralString = f"WITH {page_then} {self._page}"
        self._past_one: LiteralString = f"WITH {one_then} {self._one}"

    async def page(
        self,
        team_id: int,
        search: str | None,
        page: PageRequest[NumberEnd],
        as_of: int | None = None,
    ) -> Snapshot[RowPage[R]]:
        """search: case-folded, a part of the name; None: all. as_of: a position of the past."""
        values: dict[str, object] = {
            "team_id": team_id,
            "search": search,
            "limit": page.looked_for,
            "offset": page.skipped,
            "before": page.before,
        }
        statement = self._page if as_of is None else self._past_page
        standing, count, rows = await self._read(statement, values, as_of)
        return Snapshot(RowPage(rows[: page.limit], count or 0, len(rows) > page.limit), standing)

    async def one(self, team_id: int, number: int, as_of: int | None = None) -> Snapshot[OneRow[R]]:
        """as_of: a position of the past; what was deleted shows there."""
        stream_id = self.stream(team_id, number).id
        values = {"team_id": team_id, "number": number, "stream_id": stream_id}
        statement = self._one if as_of is None else self._past_one
        standing, parked_at, rows = await self._read(statement, values, as_of)
        return Snapshot(OneRow(rows[0] if rows else None, parked_at), standing)

    def stream(self, team_id: int, number: int) -> Stream[DomainEvent]:
        return Stream(self._kind, team_id, number)

    async def _read(
        self, statement: LiteralString, values: dict[str, object], as_of: int | None
    ) -> tuple[ReadPosition, int | None, tuple[R, ...]]:
        """There is one row even when nothing is found."""
        async with self._pool.connection() as conn:
            named = projections(CATALOG) if as_of is None else projections(CATALOG, HISTORY)
            more = {"as_of": as_of, "projections": named}
            cursor = await conn.execute(statement, values | more)
            found = await cursor.fetchall()
        reached, head, parked_at, _ = found[0]
        rows = tuple(self._decode(row) for *_, row in found if row is not None)
        return ReadPosition(reached or 0, head), parked_at, rows
