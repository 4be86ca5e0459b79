"""Pages of the activity log, of one insight, a project or several, in one round trip."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from contracts.api.activity import QUIET_FIELDS
from contracts.chain import BEGINNING, Link
from contracts.read_models.activity import (
    ADMINISTRATORS_SCOPES,
    ActivityDetails,
    ActivityRow,
)
from contracts.read_models.projections import ACTIVITY, CATALOG, HISTORY, INSIGHTS
from contracts.references import InsightReference
from contracts.triggers import Trigger
from services.common.http.caller import Caller
from services.common.insights.access import UNLIMITED, Access
from services.common.postgres.database import Pool
from services.query.reads.access import CLOSED_BY, LEVEL, VISIBLE, access, access_values
from services.query.reads.counts import Counts, State
from services.query.reads.listing import LARGEST
from services.query.reads.operations import trigger_in
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)
from services.query.reads.salvage import Salvage

_DETAILS = Salvage(ActivityDetails(changes=None, name=None, short_id=""))

MOST_LOOKED_AT = 50_000
"""Entries of the log that one request for what comes after a cursor looks at."""


class ActivityFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions, all of which an entry meets; None: any entry does.

    scopes, item_ids, users, activities: one of these. system: by Recount itself, or by anybody
    else. since, until: of its time; the end is not included. field: it changed. search: in its
    name and changes, case-folded. quiet: with the entries that PostHog does not make. as_of: up to
    this position.
    """

    scopes: tuple[str, ...] | None = None
    item_ids: tuple[str, ...] | None = None
    users: tuple[int, ...] | None = None
    system: bool | None = None
    key_id: str | None = None
    activities: tuple[str, ...] | None = None
    field: str | None = None
    operation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    quiet: bool = False
    as_of: int | None = None


class ActivityPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page is.

    after: oldest first, what comes behind it. newest: newest first, from any moment on; before: a
    sequence, what stands in front of it. Else newest first and counted, by offset or below that
    position.
    """

    limit: int
    offset: int = 0
    after: Link | None = None
    newest: bool = False
    before: int | None = None
    below: int = LARGEST

    @property
    def counted(self) -> bool:
        return self.after is None and not self.newest


class FoundEntry(msgspec.Struct, frozen=True):
    """hash: of its last fact. trigger: what led to its operation, if something did."""

    row: ActivityRow
    hash: bytes
    trigger: Trigger | None

    @property
    def link(self) -> Link:
        return Link(self.row.sequence, self.hash)


class ActivityRows(msgspec.Struct, frozen=True):
    """total: of all pages together; None: not counted. more: whether some come after these.
    through: the last entry of the project's chain that was looked at.
    parked_at: see `reads.insights.FoundInsight`.

    access: what the caller may do with the insight; of a whole project it says nothing.
    """

    entries: tuple[FoundEntry, ...]
    total: int | None
    more: bool
    through: Link = BEGINNING
    access: Access = UNLIMITED
    parked_at: int | None = None


KNOWN: LiteralString = "state.head = %(known_position)s AND state.rebuilds = %(known_rebuilds)s"
COLUMNS: LiteralString = """
    a.id, a.team_id, a.scope, a.item_id, a.insight_id, a.activity, a.user_id, a.key_id,
    a.operation_id, a.at, a.position, a.sequence, a.quiet, a.row::text AS row"""

# Once everything of the project is applied, its last fact names one state of the whole. The last
# fact that is applied is found by halving, since positions rise along a project's chain: it may be
# far from the end, in the past or while the log is folded anew.
_STATE: LiteralString = f"""
    RECURSIVE state AS (
        SELECT {REACHED} AS reached, {TEAM_HEAD} AS head, (
            SELECT sum(rebuilds)::bigint FROM checkpoints
            WHERE projection = ANY(%(projections)s)
        ) AS rebuilds
    ), search (low, high) AS (
        SELECT CASE WHEN state.head <= least(state.reached, %(up_to)s) THEN seq ELSE 0 END, seq
        FROM state, log_heads WHERE team_id = %(team_id)s
        UNION ALL
        SELECT CASE WHEN had THEN middle ELSE low END, CASE WHEN had THEN high ELSE middle - 1 END
        FROM (
            SELECT low, high, middle, (
                SELECT notification_id <= least(state.reached, %(up_to)s) FROM log
                WHERE team_id = %(team_id)s AND team_seq = middle
            ) AS had
            FROM state, (
                SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high
            ) AS halves
        ) AS looked
    ), last AS (
        SELECT l.team_seq, l.hash, l.notification_id FROM search
        JOIN log l ON l.team_id = %(team_id)s AND l.team_seq = search.low
        WHERE search.low = search.high
    ), bound AS (
        SELECT l.team_seq, l.hash, l.notification_id FROM log l, last
        WHERE l.team_id = %(team_id)s
            AND l.team_seq = least(last.team_seq, %(after)s::bigint + %(looked_at)s)
    )"""
# The entry's last fact has its hash; what the history says of an operation stands beside its facts.
TOLD: LiteralString = """
    told AS (
        SELECT page.*, l.hash, h.topic, h.state FROM page
        LEFT JOIN log l ON l.notification_id = page.position
        LEFT JOIN LATERAL (
            SELECT topic, state FROM log
            WHERE team_id = page.team_id AND operation_id = page.operation_id
                AND topic LIKE 'history.%%'
            LIMIT 1
        ) AS h ON true
    )"""
_STANDING: LiteralString = """
    state.reached, state.head, state.rebuilds, coalesce(bound.team_seq, 0), bound.hash"""

_OF_TEAM: LiteralString = "a.team_id = %(team_id)s"
# An insight without a row (its stream is parked) may be hidden: nothing here says whether.
_IN_SIGHT: LiteralString = f"""
    NOT EXISTS (
        SELECT FROM insights i WHERE i.team_id = a.team_id AND i.insight_id = a.insight_id
        AND NOT {VISIBLE}
    )"""
_IN_SIGHT_OF_ALL: LiteralString = f"a.scope <> ALL(%(administrators_scopes)s) AND {_IN_SIGHT}"
# Cheaper than a list of one, for each row of a count.
_ONE_SCOPE: LiteralString = "a.scope = (%(scopes)s::text[])[1]"
_OF_SUBJECT: LiteralString = (
    "a.team_id = %(team_id)s AND a.insight_id = (SELECT insight_id FROM subject)"
)
# The activity projection may have parked a stream that the insights' could follow, or the reverse.
_SUBJECT: LiteralString = f"""
    subject AS (
        SELECT i.insight_id, {LEVEL} AS level, {CLOSED_BY} AS closed_by, (
            SELECT min(p.position) FROM parked_streams p
            WHERE p.projection = 'activity' AND p.stream_id = i.stream_id
        ) AS parked_at
        FROM insights i WHERE i.team_id = %(team_id)s AND """
_THERE_THEN: LiteralString = """
    AND EXISTS (
        SELECT FROM insight_versions v
        WHERE v.stream_id = i.stream_id AND v.position <= %(as_of)s
    )"""
_AFTER: LiteralString = """
    a.position > coalesce((
        SELECT notification_id FROM log WHERE team_id = %(team_id)s AND team_seq = %(after)s
    ), 0) AND a.position <= (SELECT notification_id FROM bound)"""
_BEFORE: LiteralString = """
    a.position < (
        SELECT notification_id FROM log WHERE team_id = %(team_id)s AND team_seq = %(before)s
    )"""


class ActivityReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = Counts()

    async def of_team(
        self, caller: Caller, wanted: ActivityFilter, place: ActivityPlace
    ) -> Snapshot[ActivityRows]:
        """Of all things in sight."""
        where: LiteralString = f"{_OF_TEAM} AND {conditions(wanted)}"
        if not caller.is_administrator:
            where = f"{where} AND {in_sight(wanted)}"
        counted = (where, caller.team_id, caller.user.id, wanted)
        known = self._counts.get(counted)
        count: LiteralString = "NULL::bigint"
        if place.counted:
            count = (
                f"CASE WHEN {KNOWN} THEN NULL"
                f" ELSE (SELECT count(*) FROM activity a WHERE {where}) END"
            )
        rows = await self._rows(
            f"WITH {_STATE}, {_page(where, place)}, {TOLD} SELECT {_STANDING}, {count}, told.*"
            " FROM state LEFT JOIN bound ON true LEFT JOIN told ON true"
            f" ORDER BY told.position {_direction(place)}",
            caller,
            wanted,
            place,
            {
                "known_position": known[0].position if known else -1,
                "known_rebuilds": known[0].rebuilds if known else -1,
            },
        )
        reached, head, rebuilds, sequence, hash_, total = rows[0][:6]
        if place.counted:
            if total is None:
                total = known[1] if known else 0
            elif reached >= head:
                self._counts.put(counted, State(head, rebuilds), total)
        entries = [row[6:] for row in rows]
        found = _found(entries, total, place, _link(sequence, hash_))
        return Snapshot(found, ReadPosition(reached or 0, head))

    async def of_insight(
        self,
        caller: Caller,
        insight: InsightReference,
        wanted: ActivityFilter,
        place: ActivityPlace,
    ) -> Snapshot[ActivityRows | None]:
        """Of one insight, deleted or not; None when there is none."""
        where: LiteralString = f"{_OF_SUBJECT} AND {conditions(wanted)}"
        there: LiteralString = "" if wanted.as_of is None else _THERE_THEN
        by: LiteralString = (
            "i.short_id = %(short_id)s" if insight.number is None else "i.insight_id = %(number)s"
        )
        count: LiteralString = "NULL::bigint"
        if place.counted:
            count = f"(SELECT count(*) FROM activity a WHERE {where})"
        rows = await self._rows(
            f"WITH {_STATE}, {_SUBJECT}{by}{there}), {_page(where, place)}, {TOLD}"
            f" SELECT {_STANDING}, {count}, subject.insight_id, subject.parked_at, subject.level,"
            " subject.closed_by, told.*"
            " FROM state LEFT JOIN bound ON true LEFT JOIN subject ON true LEFT JOIN told ON true"
            f" ORDER BY told.position {_direction(place)}",
            caller,
            wanted,
            place,
            {"number": insight.number, "short_id": insight.short_id},
        )
        # Each row begins with what is true of the whole; there is one even when the page is empty.
        reached, head, _, sequence, hash_, total = rows[0][:6]
        standing = ReadPosition(reached or 0, head)
        insight_id, parked_at, level, closed_by = rows[0][6:10]
        if insight_id is None:
            return Snapshot(None, standing)
        found = msgspec.structs.replace(
            _found([row[10:] for row in rows], total, place, _link(sequence, hash_)),
            parked_at=parked_at,
            access=access(level, closed_by),
        )
        return Snapshot(found, standing)

    async def _rows(
        self,
        statement: LiteralString,
        caller: Caller,
        wanted: ActivityFilter,
        place: ActivityPlace,
        values: dict[str, object],
    ) -> Sequence[Sequence[Any]]:
        past = () if wanted.as_of is None else (HISTORY,)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                statement,
                values
                | filter_values(wanted)
                | access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "projections": projections(INSIGHTS, ACTIVITY, CATALOG, *past),
                    "limit": place.limit + 1,
                    "offset": place.offset,
                    "below": place.below,
                    "before": place.before,
                    "after": LARGEST // 2 if place.after is None else place.after.team_seq,
                    "looked_at": MOST_LOOKED_AT,
                    "up_to": LARGEST if wanted.as_of is None else wanted.as_of,
                },
            )
            return await cursor.fetchall()


def in_sight(wanted: ActivityFilter) -> LiteralString:
    """SQL over `activity a`: what a member may see who is no administrator."""
    hidden = ADMINISTRATORS_SCOPES if wanted.scopes is None else {*wanted.scopes}
    return _IN_SIGHT if hidden.isdisjoint(ADMINISTRATORS_SCOPES) else _IN_SIGHT_OF_ALL


def conditions(wanted: ActivityFilter) -> LiteralString:
    """SQL over `activity a`; its values are those of `filter_values`."""
    met: list[LiteralString] = [] if wanted.quiet else ["NOT a.quiet"]
    several = len(wanted.scopes or ()) != 1
    asked: list[tuple[object, LiteralString]] = [
        (wanted.scopes, "a.scope = ANY(%(scopes)s)" if several else _ONE_SCOPE),
        # Of insights there is an index by number.
        (
            wanted.item_ids,
            "(a.insight_id = ANY(%(numbers)s)"
            " OR (a.insight_id IS NULL AND a.item_id = ANY(%(item_ids)s)))",
        ),
        (wanted.users, "a.user_id = ANY(%(users)s)"),
        (wanted.system, "(a.user_id IS NULL) = %(system)s"),
        (wanted.key_id, "a.key_id = %(key_id)s"),
        (wanted.activities, "a.activity = ANY(%(activities)s)"),
        (wanted.field, "%(field)s = ANY(a.fields)"),
        ((wanted.field in QUIET_FIELDS and not wanted.quiet) or None, "a.scope <> 'Insight'"),
        (
            wanted.operation_id,
            "a.operation_id = %(operation_id)s AND a.position IN (SELECT notification_id FROM log"
            " WHERE team_id = a.team_id AND operation_id = %(operation_id)s)",
        ),
        (wanted.since, "a.at >= %(since)s"),
        (wanted.until, "a.at < %(until)s"),
        (wanted.search, "position(%(search)s IN lower(a.row::text)) > 0"),
        (wanted.as_of, "a.position <= %(as_of)s"),
    ]
    met += [condition for value, condition in asked if value is not None]
    sql: LiteralString = " AND ".join(met) if met else "true"
    return sql


def filter_values(wanted: ActivityFilter) -> dict[str, object]:
    """The values of `conditions`."""
    ids = wanted.item_ids or ()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in msgspec.structs.asdict(wanted).items()
    } | {
        "numbers": [int(each) for each in ids if each.isdecimal() and len(each) < 19],
        "administrators_scopes": sorted(ADMINISTRATORS_SCOPES),
    }


def _page(where: LiteralString, place: ActivityPlace) -> LiteralString:
    there: LiteralString = "a.position < %(below)s"
    if place.after is not None:
        there = _AFTER
    elif place.before is not None:
        there = _BEFORE
    return f"""
        page AS (
            SELECT {COLUMNS} FROM activity a
            WHERE {where} AND {there}
            ORDER BY a.position {_direction(place)} LIMIT %(limit)s OFFSET %(offset)s
        )"""


def _direction(place: ActivityPlace) -> LiteralString:
    return "DESC" if place.after is None else "ASC"


def _link(sequence: int, hash_: bytes | None) -> Link:
    return BEGINNING if hash_ is None else Link(sequence, hash_)


def _found(
    rows: Sequence[Sequence[Any]], total: int | None, place: ActivityPlace, through: Link
) -> ActivityRows:
    """through: all that was there to be looked at."""
    found = [row for row in rows if row[0] is not None]
    shown = tuple(found_entry(*row) for row in found[: place.limit])
    more = len(found) > place.limit
    if place.after is not None:
        if more:
            through = shown[-1].link
        elif through.team_seq < place.after.team_seq:
            # The rows are not as far as the reader.
            through = place.after
    return ActivityRows(shown, total, more=more, through=through)


def found_entry(*columns: Any) -> FoundEntry:
    """Of a row of `told`."""
    *of_row, row, hash_, name, payload = columns
    names = (
        "id",
        "team_id",
        "scope",
        "item_id",
        "insight_id",
        "activity",
        "user_id",
        "key_id",
        "operation_id",
        "at",
        "position",
        "sequence",
        "quiet",
    )
    entry = ActivityRow(
        **dict(zip(names, of_row, strict=True)),
        details=_DETAILS.decode(row),
    )
    trigger = None
    if name is not None and payload is not None:
        trigger = trigger_in(name, payload, entry.operation_id)
    return FoundEntry(entry, hash_, trigger)


def insights_of(entries: Sequence[FoundEntry]) -> list[int]:
    """The numbers of the insights that they are about, ascending."""
    numbers = (each.row.insight_id for each in entries)
    return sorted({number for number in numbers if number is not None})
