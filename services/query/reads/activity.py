"""Pages of the activity log, of one insight or of a whole project, in one round trip."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from contracts.read_models.activity import ActivityOrigin, ActivityRow
from contracts.read_models.projections import ACTIVITY, CATALOG, HISTORY, INSIGHTS
from contracts.references import InsightReference
from services.common.http.caller import Caller
from services.common.insights.access import UNLIMITED, Access
from services.common.postgres.database import Pool
from services.query.reads.access import CLOSED_BY, LEVEL, VISIBLE, access, access_values
from services.query.reads.counts import Counts, State
from services.query.reads.listing import NumberEnd, PageRequest
from services.query.reads.operations import trigger_in
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)
from services.query.reads.salvage import DAWN, Salvage

_ROWS = Salvage(
    ActivityRow(
        id=UUID(int=0),
        team_id=0,
        insight_id=0,
        activity="",
        changes=None,
        name=None,
        short_id="",
        user_id=None,
        at=DAWN,
        position=0,
    )
)


class ActivityRows(msgspec.Struct, frozen=True):
    """Newest first. total: of all pages together. more: whether some come after these.
    parked_at: see `reads.insights.FoundInsight`.

    access: what the caller may do with the insight; of a whole project it says nothing.
    """

    entries: tuple[tuple[ActivityRow, ActivityOrigin], ...]
    total: int
    more: bool
    access: Access = UNLIMITED
    parked_at: int | None = None


# Once everything of the project is applied, its last fact names one state of the whole.
_STATE: LiteralString = f"""
    state AS (
        SELECT {REACHED} AS reached, {TEAM_HEAD} AS head, (
            SELECT sum(rebuilds)::bigint FROM checkpoints
            WHERE projection = ANY(%(projections)s)
        ) AS rebuilds
    )"""
_KNOWN: LiteralString = "state.head = %(known_position)s AND state.rebuilds = %(known_rebuilds)s"


# What the log itself says of an entry: its position is that of its first fact.
_TOLD: LiteralString = "told.row, told.operation_id, told.key_id, told.topic, told.state"


def _page_of(where: LiteralString) -> LiteralString:
    return f"""
        page AS (
            SELECT a.position, a.row::text AS row, a.team_id FROM activity a
            WHERE {where} AND a.position < %(before)s
            ORDER BY a.position DESC LIMIT %(limit)s OFFSET %(offset)s
        ), told AS (
            SELECT page.position, page.row, l.operation_id,
                l.actor::json->>'key_id' AS key_id, h.topic, h.state
            FROM page
            LEFT JOIN log l ON l.notification_id = page.position
            LEFT JOIN LATERAL (
                SELECT topic, state FROM log
                WHERE team_id = page.team_id AND operation_id = l.operation_id
                    AND topic LIKE 'history.%%'
                LIMIT 1
            ) AS h ON true
        )"""


def _page(where: LiteralString) -> LiteralString:
    return f"""{_page_of(where)}
        SELECT {REACHED}, {TEAM_HEAD}, (SELECT count(*) FROM activity a WHERE {where}),
        {_TOLD}"""


_OF_TEAM: LiteralString = "a.team_id = %(team_id)s"
# An insight without a row (its stream is parked) may be hidden: nothing here says whether.
_IN_SIGHT: LiteralString = f"""
    NOT EXISTS (
        SELECT FROM insights i WHERE i.team_id = a.team_id AND i.insight_id = a.insight_id
        AND NOT {VISIBLE}
    )"""
_OF_SUBJECT: LiteralString = (
    "a.team_id = %(team_id)s AND a.insight_id = (SELECT insight_id FROM subject)"
)
# The activity projection may have parked a stream that the insights' could follow, or the reverse.
_SUBJECT: LiteralString = f"""
    SELECT i.insight_id, {LEVEL} AS level, {CLOSED_BY} AS closed_by, (
        SELECT min(p.position) FROM parked_streams p
        WHERE p.projection = 'activity' AND p.stream_id = i.stream_id
    ) AS parked_at
    FROM insights i WHERE i.team_id = %(team_id)s AND """
_UP_TO: LiteralString = "a.position <= %(as_of)s"
_THERE_THEN: LiteralString = """
    AND EXISTS (
        SELECT FROM insight_versions v
        WHERE v.stream_id = i.stream_id AND v.position <= %(as_of)s
    )"""


class ActivityReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = Counts()

    async def of_team(
        self,
        caller: Caller,
        page: PageRequest[NumberEnd],
        *,
        quiet: bool,
        as_of: int | None = None,
    ) -> Snapshot[ActivityRows]:
        """Of all insights in sight. quiet: with the entries that PostHog does
        not make. as_of: up to this position.
        """
        where = _OF_TEAM if quiet else f"{_OF_TEAM} AND NOT a.quiet"
        if as_of is not None:
            where = f"{where} AND {_UP_TO}"
        if not caller.is_administrator:
            where = f"{where} AND {_IN_SIGHT}"
        counted = (where, caller.team_id, caller.user.id, as_of)
        known = self._counts.get(counted)
        rows = await self._rows(
            f"WITH {_STATE}, {_page_of(where)} SELECT state.reached, state.head,"
            f" CASE WHEN {_KNOWN} THEN NULL ELSE (SELECT count(*) FROM activity a WHERE {where})"
            f" END, {_TOLD}, state.rebuilds FROM state LEFT JOIN told ON true"
            " ORDER BY told.position DESC",
            caller,
            _where_it_is(page)
            | {
                "known_position": known[0].position if known else -1,
                "known_rebuilds": known[0].rebuilds if known else -1,
                "as_of": as_of,
            },
        )
        reached, head, total, *_, rebuilds = rows[0]
        if total is None:
            total = known[1] if known else 0
        elif reached >= head:
            self._counts.put(counted, State(head, rebuilds), total)
        return Snapshot(_page_with(rows, total, page), ReadPosition(reached or 0, head))

    async def of_insight(
        self,
        caller: Caller,
        insight: InsightReference,
        page: PageRequest[NumberEnd],
        *,
        quiet: bool,
        as_of: int | None = None,
    ) -> Snapshot[ActivityRows | None]:
        """Of one insight, deleted or not; None when there is none. as_of: up to this position."""
        where = _OF_SUBJECT if quiet else f"{_OF_SUBJECT} AND NOT a.quiet"
        there: LiteralString = ""
        if as_of is not None:
            where, there = f"{where} AND {_UP_TO}", _THERE_THEN
        by: LiteralString = (
            "i.short_id = %(short_id)s" if insight.number is None else "i.insight_id = %(number)s"
        )
        rows = await self._rows(
            f"WITH subject AS ({_SUBJECT}{by}{there}), {_page(where)},"
            " (SELECT insight_id FROM subject), (SELECT parked_at FROM subject),"
            " (SELECT level FROM subject), (SELECT closed_by FROM subject)"
            " FROM (SELECT) AS one LEFT JOIN told ON true ORDER BY told.position DESC",
            caller,
            _where_it_is(page)
            | {"number": insight.number, "short_id": insight.short_id, "as_of": as_of},
        )
        # Each row begins with what is true of the whole; there is one even when the page is empty.
        reached, head, total = rows[0][:3]
        standing = ReadPosition(reached or 0, head)
        insight_id, parked_at, level, closed_by = rows[0][8:]
        if insight_id is None:
            return Snapshot(None, standing)
        found = msgspec.structs.replace(
            _page_with(rows, total, page), parked_at=parked_at, access=access(level, closed_by)
        )
        return Snapshot(found, standing)

    async def _rows(
        self, statement: LiteralString, caller: Caller, values: dict[str, object]
    ) -> Sequence[Sequence[Any]]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                statement,
                values
                | access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "projections": projections(
                        INSIGHTS,
                        ACTIVITY,
                        CATALOG,
                        *(() if values["as_of"] is None else (HISTORY,)),
                    ),
                },
            )
            return await cursor.fetchall()


def _where_it_is(page: PageRequest[NumberEnd]) -> dict[str, object]:
    return {
        "limit": page.looked_for,
        "offset": page.skipped,
        "before": page.before,
    }


def _page_with(
    rows: Sequence[Sequence[Any]], total: int, page: PageRequest[NumberEnd]
) -> ActivityRows:
    found = [row[3:8] for row in rows if row[3] is not None]
    shown = tuple(_entry(*row) for row in found[: page.limit])
    return ActivityRows(shown, total, more=len(found) > page.limit)


def _entry(
    row: str, operation_id: UUID, key_id: str | None, name: str | None, payload: bytes | None
) -> tuple[ActivityRow, ActivityOrigin]:
    """name, payload: of the fact that says what led to its operation, if one does."""
    trigger = None
    if name is not None and payload is not None:
        trigger = trigger_in(name, payload, operation_id)
    return _ROWS.decode(row), ActivityOrigin(operation_id, key_id, trigger)
