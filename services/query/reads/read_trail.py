"""Reading the trail of reads: sealed ones by their number, and those that wait for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import msgspec
from psycopg.rows import args_row

from contracts.reads import StoredRead
from services.common.log import stored_reads
from services.common.postgres.database import Pool


class ReadFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All of them must match. user: its number. kind, item: of a thing that was shown, an insight
    inside of another thing too. since, until: of the answer; `until` is left out.
    """

    user: int | None = None
    surface: str | None = None
    kind: str | None = None
    item: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class ReadTrailPage(msgspec.Struct, frozen=True):
    """through: all sealed reads up to this number were looked at. unsealed: of the project."""

    reads: Sequence[StoredRead]
    through: int
    unsealed: int


# A number whose seal is not in the log yet is nobody's: the fact comes in a moment.
_THROUGH: LiteralString = """
    SELECT greatest(
        (SELECT coalesce(max(last), 0) FROM read_seals
            WHERE team_id = %(team_id)s AND sequence IS NOT NULL),
        (SELECT coalesce(max(through), 0) FROM read_expiries
            WHERE team_id = %(team_id)s AND sequence IS NOT NULL)),
        (SELECT count(*) FROM reads WHERE team_id = %(team_id)s AND number IS NULL)"""
_SEALED: LiteralString = f"""
    SELECT {stored_reads.COLUMNS}, seal.sequence
    FROM reads AS r
    JOIN LATERAL (
        SELECT s.sequence FROM read_seals AS s
        WHERE s.team_id = r.team_id AND s.first <= r.number ORDER BY s.first DESC LIMIT 1
    ) AS seal ON true
    WHERE r.team_id = %(team_id)s AND r.number > %(after)s AND r.number <= %(through)s"""
_SEALED_END: LiteralString = " ORDER BY r.number LIMIT %(limit)s"
_UNSEALED: LiteralString = f"""
    SELECT {stored_reads.COLUMNS}, NULL::bigint
    FROM reads AS r WHERE r.team_id = %(team_id)s
    AND (r.number IS NULL OR r.number > %(through)s)"""
_UNSEALED_END: LiteralString = " ORDER BY r.at, r.run, r.n LIMIT %(limit)s"


class ReadTrailReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, team_id: int, wanted: ReadFilter, after: int, limit: int, *, unsealed: bool = False
    ) -> ReadTrailPage:
        """The reads beyond the number `after` that match, at most `limit` of them.

        unsealed: with those that have no number yet, where the page has room.
        """
        through, waiting = await self.standing(team_id)
        values = _values(wanted) | {"team_id": team_id, "after": after, "through": through}
        where = _conditions(wanted)
        found = await self._rows(_SEALED + where + _SEALED_END, values | {"limit": limit})
        if len(found) == limit:
            return ReadTrailPage(found, found[-1].number or after, waiting)
        if unsealed:
            rest = values | {"limit": limit - len(found)}
            found = [*found, *await self._rows(_UNSEALED + where + _UNSEALED_END, rest)]
        return ReadTrailPage(found, max(through, after), waiting)

    async def standing(self, team_id: int) -> tuple[int, int]:
        """The last number that is sealed, and how many reads wait for theirs."""
        async with self._pool.connection() as conn:
            row = await (await conn.execute(_THROUGH, {"team_id": team_id})).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def _rows(self, statement: LiteralString, values: dict[str, Any]) -> list[StoredRead]:
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(stored_reads.stored), binary=True)
            return await (await cursor.execute(statement, values)).fetchall()


def _conditions(wanted: ReadFilter) -> LiteralString:
    where: list[LiteralString] = [""]
    if wanted.user is not None:
        where.append("r.user_id = %(user)s")
    if wanted.surface is not None:
        where.append("r.surface = %(surface)s")
    if wanted.item is not None:
        shown: LiteralString = (
            "(r.items @> %(items)s::bigint[] AND split_part(r.what, '_', 1) = %(kind)s)"
        )
        if wanted.kind == "insight":
            shown = f"({shown} OR r.insights @> %(items)s::bigint[])"
        where.append(shown)
    if wanted.since is not None:
        where.append("r.at >= %(since)s")
    if wanted.until is not None:
        where.append("r.at < %(until)s")
    return " AND ".join(where)


def _values(wanted: ReadFilter) -> dict[str, Any]:
    return {**msgspec.structs.asdict(wanted), "items": [wanted.item]}
