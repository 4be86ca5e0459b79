"""Pages of the activity log as PostHog's clients ask for them: of a project or of several."""

from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.read_models.projections import ACTIVITY, CATALOG, INSIGHTS
from services.common.http.caller import Caller
from services.common.postgres.database import Pool
from services.common.postgres.installation import installation
from services.query.reads.access import access_values
from services.query.reads.activity import (
    COLUMNS,
    KNOWN,
    TOLD,
    ActivityFilter,
    FoundEntry,
    conditions,
    filter_values,
    found_entry,
    in_sight,
)
from services.query.reads.counts import Counts, State
from services.query.reads.listing import LARGEST
from services.query.reads.read_position import REACHED, ReadPosition, Snapshot, projections


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page is. place: the position it begins behind, in its direction; None: it begins at
    the end that comes first.
    """

    limit: int
    offset: int = 0
    oldest_first: bool = False
    place: int | None = None


class LogRows(msgspec.Struct, frozen=True):
    """count: of all pages together. end: the position that the next page begins behind."""

    entries: tuple[FoundEntry, ...]
    count: int
    more: bool
    end: int


_STATE: LiteralString = f"""
    state AS (
        SELECT {REACHED} AS reached, (
            SELECT coalesce(max(newest.notification_id), 0)
            FROM unnest(%(teams)s::bigint[]) AS of (team_id) CROSS JOIN LATERAL (
                SELECT notification_id FROM log WHERE log.team_id = of.team_id
                ORDER BY team_seq DESC LIMIT 1
            ) AS newest
        ) AS head, (
            SELECT sum(rebuilds)::bigint FROM checkpoints
            WHERE projection = ANY(%(projections)s)
        ) AS rebuilds
    )"""


class ActivityLogReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = Counts()
        self._installation: UUID | None = None

    async def installation(self) -> UUID:
        """Asked for once."""
        if self._installation is None:
            self._installation = await installation(self._pool)
        return self._installation

    async def page(
        self, teams: tuple[int, ...], caller: Caller | None, wanted: ActivityFilter, page: LogPage
    ) -> Snapshot[LogRows]:
        """caller: whose project it is, if it is one that they may not see all of; None: an
        administrator asks.
        """
        where: LiteralString = conditions(wanted)
        if caller is not None:
            where = f"{where} AND {in_sight(wanted)}"
        counted = (where, teams, caller.user.id if caller else None, wanted)
        known = self._counts.get(counted)
        direction: LiteralString = "ASC" if page.oldest_first else "DESC"
        beyond: LiteralString = (
            "a.position > %(place)s" if page.oldest_first else ("a.position < %(place)s")
        )
        # Of each project as many as the page may need: so each is an index's beginning.
        statement: LiteralString = f"""
            WITH {_STATE}, page AS (
                SELECT found.* FROM unnest(%(teams)s::bigint[]) AS of (team_id)
                CROSS JOIN LATERAL (
                    SELECT {COLUMNS} FROM activity a
                    WHERE a.team_id = of.team_id AND {where} AND {beyond}
                        AND a.position <= (SELECT reached FROM state)
                    ORDER BY a.position {direction} LIMIT %(limit)s + %(offset)s
                ) AS found
                ORDER BY found.position {direction} LIMIT %(limit)s OFFSET %(offset)s
            ), {TOLD}
            SELECT state.reached, state.head, state.rebuilds,
                CASE WHEN {KNOWN} THEN NULL ELSE (
                    SELECT count(*) FROM activity a WHERE a.team_id = ANY(%(teams)s) AND {where}
                ) END, told.*
            FROM state LEFT JOIN told ON true ORDER BY told.position {direction}"""
        first = 0 if page.oldest_first else LARGEST
        place = first if page.place is None else page.place
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                statement,
                filter_values(wanted)
                | (access_values(caller) | {"team_id": caller.team_id} if caller else {})
                | {
                    "teams": list(teams),
                    "projections": projections(INSIGHTS, ACTIVITY, CATALOG),
                    "limit": page.limit + 1,
                    "offset": page.offset,
                    "place": place,
                    "known_position": known[0].position if known else -1,
                    "known_rebuilds": known[0].rebuilds if known else -1,
                },
            )
            rows = await cursor.fetchall()
        reached, head, rebuilds, count = rows[0][:4]
        reached = reached or 0
        if count is None:
            count = known[1] if known else 0
        elif reached >= head:
            self._counts.put(counted, State(head, rebuilds), count)
        entries = [found_entry(*row[4:]) for row in rows if row[4] is not None]
        more, shown = len(entries) > page.limit, tuple(entries[: page.limit])
        # At the end, behind all that was looked at: what a filter left out is not looked at again.
        end = max(place, reached) if page.oldest_first and not more else place
        if shown and (more or not page.oldest_first):
            end = shown[-1].row.position
        return Snapshot(LogRows(shown, count, more, end), ReadPosition(reached, head))
