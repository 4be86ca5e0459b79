"""Pages of the activity log, of one insight or of a whole project, in one round trip."""

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec

from contracts.read_models.activity import ActivityRow
from contracts.read_models.projections import ACTIVITY, INSIGHTS
from services.common.database import Pool
from services.query.reads.insights import Reference
from services.query.reads.standing import REACHED, TEAM_HEAD, Seen, Standing, projections

_decoder = msgspec.json.Decoder(ActivityRow)


class ActivityPage(msgspec.Struct, frozen=True):
    """Newest first. total: of all pages together. parked_at: see `reads.insights.Found`."""

    entries: tuple[ActivityRow, ...]
    total: int
    parked_at: int | None = None


def _page(where: LiteralString) -> LiteralString:
    return f"""
        page AS (
            SELECT a.position, a.row::text AS row FROM activity a WHERE {where}
            ORDER BY a.position DESC LIMIT %(limit)s OFFSET %(offset)s
        )
        SELECT {REACHED}, {TEAM_HEAD}, (SELECT count(*) FROM activity a WHERE {where}), page.row"""


_OF_TEAM: LiteralString = "a.team_id = %(team_id)s"
_OF_SUBJECT: LiteralString = (
    "a.team_id = %(team_id)s AND a.insight_id = (SELECT insight_id FROM subject)"
)
# The activity projection may have parked a stream that the insights' could follow, or the reverse.
_SUBJECT: LiteralString = """
    SELECT i.insight_id, (
        SELECT min(p.position) FROM parked_streams p
        WHERE p.projection = 'activity' AND p.stream_id = i.stream_id
    ) AS parked_at
    FROM insights i WHERE i.team_id = %(team_id)s AND """


class ActivityReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_team(
        self, team_id: int, *, limit: int, offset: int, quiet: bool
    ) -> Seen[ActivityPage]:
        """Of all insights of the project. quiet: with the entries that PostHog does not make."""
        where = _OF_TEAM if quiet else f"{_OF_TEAM} AND NOT a.quiet"
        rows = await self._rows(
            f"WITH {_page(where)} FROM (SELECT) AS one LEFT JOIN page ON true"
            " ORDER BY page.position DESC",
            {"team_id": team_id, "limit": limit, "offset": offset},
        )
        return _seen(rows)

    async def of_insight(
        self, team_id: int, insight: Reference, *, limit: int, offset: int, quiet: bool
    ) -> Seen[ActivityPage | None]:
        """Of one insight, deleted or not; None when there is none."""
        where = _OF_SUBJECT if quiet else f"{_OF_SUBJECT} AND NOT a.quiet"
        by: LiteralString = (
            "i.short_id = %(short_id)s" if insight.number is None else "i.insight_id = %(number)s"
        )
        rows = await self._rows(
            f"WITH subject AS ({_SUBJECT}{by}), {_page(where)},"
            " (SELECT insight_id FROM subject), (SELECT parked_at FROM subject)"
            " FROM (SELECT) AS one LEFT JOIN page ON true ORDER BY page.position DESC",
            {
                "team_id": team_id,
                "number": insight.number,
                "short_id": insight.short_id,
                "limit": limit,
                "offset": offset,
            },
        )
        seen = _seen(rows)
        insight_id, parked_at = rows[0][4:]
        if insight_id is None:
            return Seen(None, seen.standing)
        return Seen(msgspec.structs.replace(seen.value, parked_at=parked_at), seen.standing)

    async def _rows(
        self, statement: LiteralString, values: dict[str, object]
    ) -> Sequence[Sequence[Any]]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                statement, values | {"projections": projections(INSIGHTS, ACTIVITY)}
            )
            return await cursor.fetchall()


def _seen(rows: Sequence[Sequence[Any]]) -> Seen[ActivityPage]:
    """Each row begins with what is true of the whole; there is one even when the page is empty."""
    reached, head, total, _ = rows[0][:4]
    entries = tuple(_decoder.decode(row[3]) for row in rows if row[3] is not None)
    return Seen(ActivityPage(entries, total), Standing(reached or 0, head))
