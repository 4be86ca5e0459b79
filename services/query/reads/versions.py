"""The versions of one thing: a page of them, one, and the one that stood at a moment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString

import msgspec

from contracts.differences.difference import Difference, Names
from contracts.differences.rows import difference
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.project import ProjectRow
from contracts.read_models.projections import HISTORY
from contracts.read_models.version import FOREVER, VersionActivity, VersionEntry
from contracts.triggers import Trigger
from services.common.http.caller import Caller
from services.common.postgres.database import Pool
from services.query.reads import actions, cohorts, dashboards, insights
from services.query.reads.access import VISIBLE, access_values
from services.query.reads.read_position import REACHED, ReadPosition, Snapshot, projections

Row = InsightRow | DashboardRow | ActionRow | CohortRow | ProjectRow

_DECODE: Mapping[StreamKind, Callable[[str], Row]] = {
    StreamKind.INSIGHT: insights.ROWS.decode,
    StreamKind.DASHBOARD: dashboards.ROWS.decode,
    StreamKind.ACTION: actions.ROWS.decode,
    StreamKind.COHORT: cohorts.ROWS.decode,
    StreamKind.PROJECT: msgspec.json.Decoder(ProjectRow).decode,
}

KINDS = frozenset(kind.value for kind in _DECODE)
"""The kinds that have versions to show."""

_WANTED: LiteralString = """
    v.stream_id = %(stream_id)s AND v.position <= reached.position
    AND (%(activity)s::text IS NULL OR v.activity = %(activity)s)
    AND (%(user)s::bigint IS NULL OR v.user_id = %(user)s)"""


def _statement(table: LiteralString, picked: LiteralString) -> LiteralString:
    """picked: the condition, the order and the end of the versions `v` to show.

    An operation that is projected by half is not shown: its position is not reached.
    """
    return f"""
    WITH reached AS (SELECT {REACHED} AS position),
    page AS (SELECT v.* FROM {table} v, reached WHERE {picked})
    SELECT reached.position, (
            SELECT notification_id FROM log WHERE originator_id = %(stream_id)s
            ORDER BY originator_version DESC LIMIT 1
        ), (
            SELECT p.position FROM parked_streams p
            WHERE p.projection = 'history' AND p.stream_id = %(stream_id)s
        ), (SELECT count(*) FROM {table} v WHERE {_WANTED}),
        page.row::text, (
            SELECT b.row::text FROM {table} b
            WHERE b.stream_id = page.stream_id AND b.position < page.position
            ORDER BY b.position DESC LIMIT 1
        ), t.job_type, t.job_id,
        page.first_version, page.version, page.position, page.sequence, page.at, page.user_id,
        page.key_id, page.activity, page.operation_id, page.causation_id
    FROM reached LEFT JOIN page ON true
    LEFT JOIN operation_triggers t
        ON t.team_id = page.team_id AND t.operation_id = page.operation_id
    ORDER BY page.position DESC"""


_PAGE: LiteralString = f"""
    {_WANTED} AND v.version < %(before)s ORDER BY v.position DESC LIMIT %(limit)s"""
# A number inside an operation names no state: it is the operation's before.
_ONE: LiteralString = f"""
    {_WANTED} AND v.version <= %(version)s AND EXISTS (
        SELECT FROM log WHERE originator_id = %(stream_id)s AND originator_version = %(version)s
    ) ORDER BY v.position DESC LIMIT 1"""
_AT: LiteralString = f"""
    {_WANTED} AND v.position <= %(as_of)s ORDER BY v.position DESC LIMIT 1"""
_BETWEEN: LiteralString = f"""
    {_WANTED} AND v.position > %(after)s AND v.position <= %(as_of)s ORDER BY v.position"""

_NAMES: LiteralString = """
    SELECT 'dashboards', d.dashboard_id, d.row->>'name' FROM dashboards d
    WHERE d.team_id = %(team_id)s AND NOT d.deleted
    UNION ALL SELECT 'actions', a.action_id, a.row->>'name' FROM actions a
    WHERE a.team_id = %(team_id)s
    UNION ALL SELECT 'cohorts', c.cohort_id, c.row->>'name' FROM cohorts c
    WHERE c.team_id = %(team_id)s"""
_INSIGHT_NAMES: LiteralString = f"""
    UNION ALL SELECT 'insights', i.insight_id, i.row->>'name' FROM insights i
    WHERE i.team_id = %(team_id)s AND i.insight_id = ANY(%(insights)s)
        AND NOT i.deleted AND (%(administrator)s OR {VISIBLE})"""


class VersionWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which versions of a thing: below `before`, newest first, at most `limit`."""

    limit: int
    before: int = FOREVER
    activity: VersionActivity | None = None
    user: int | None = None


class FoundVersion(msgspec.Struct, frozen=True):
    """row: as the operation left it; before: as it found it, None where it made it."""

    entry: VersionEntry
    row: Row
    before: Row | None
    trigger: Trigger | None

    def difference(self, names: Names) -> Difference:
        """What the operation did."""
        return between(self.before, self.row, names)


class FoundVersions(msgspec.Struct, frozen=True):
    """count: of all pages together. more: whether some come after these. parked_at: see
    `reads.insights.FoundInsight`.
    """

    versions: tuple[FoundVersion, ...]
    count: int
    more: bool
    parked_at: int | None


def between(before: Row | None, after: Row, names: Names) -> Difference:
    """Of two rows of one stream, in either order."""
    # Both are of one type, as the stream is.
    rows: tuple[Any, Any] = (before, after)
    return difference(rows[0], rows[1], names)


class VersionReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, stream: Stream[DomainEvent], wish: VersionWish) -> Snapshot[FoundVersions]:
        values: dict[str, object] = {
            "before": wish.before,
            "limit": wish.limit + 1,
            "activity": wish.activity,
            "user": wish.user,
        }
        found = await self._read(stream, _PAGE, values)
        shown = found.value.versions[: wish.limit]
        more = len(found.value.versions) > wish.limit
        value = msgspec.structs.replace(found.value, versions=shown, more=more)
        return Snapshot(value, found.standing)

    async def one(self, stream: Stream[DomainEvent], version: int) -> Snapshot[FoundVersions]:
        """At most one."""
        return await self._read(stream, _ONE, {"version": version})

    async def at(self, stream: Stream[DomainEvent], position: int) -> Snapshot[FoundVersions]:
        """The one that stood there, if any did."""
        return await self._read(stream, _AT, {"as_of": position})

    async def between(
        self, stream: Stream[DomainEvent], after: int, up_to: int
    ) -> Snapshot[FoundVersions]:
        """Those that came after the one position, up to the other."""
        return await self._read(stream, _BETWEEN, {"after": after, "as_of": up_to})

    async def names(self, caller: Caller, insight_ids: Sequence[int] = ()) -> Names:
        """What is called how today, as far as the caller may see it."""
        statement: LiteralString = f"{_NAMES}{_INSIGHT_NAMES}" if insight_ids else _NAMES
        values = access_values(caller) | {
            "team_id": caller.team_id,
            "insights": list(insight_ids),
        }
        named: dict[str, dict[int, str | None]] = {
            kind: {} for kind in ("dashboards", "actions", "cohorts", "insights")
        }
        async with self._pool.connection() as conn:
            cursor = await conn.execute(statement, values)
            for kind, number, name in await cursor.fetchall():
                named[kind][number] = name
        return Names(**named)

    async def _read(
        self, stream: Stream[DomainEvent], picked: LiteralString, values: dict[str, object]
    ) -> Snapshot[FoundVersions]:
        table: LiteralString = (
            "insight_versions" if stream.kind is StreamKind.INSIGHT else "versions"
        )
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _statement(table, picked),
                {"activity": None, "user": None}
                | values
                | {"stream_id": stream.id, "projections": projections(HISTORY)},
            )
            rows = await cursor.fetchall()
        reached, wanted, parked_at, count = rows[0][:4]
        decode = _DECODE[stream.kind]
        found = tuple(_found(decode, row[4:]) for row in rows if row[4] is not None)
        value = FoundVersions(found, count, more=False, parked_at=parked_at)
        return Snapshot(value, ReadPosition(reached or 0, wanted or 0))


def _found(decode: Callable[[str], Row], columns: Sequence[Any]) -> FoundVersion:
    row, before, job_type, job_id, *entry = columns
    fields = dict(zip(VersionEntry.__struct_fields__, entry, strict=True))
    return FoundVersion(
        VersionEntry(**fields),
        decode(row),
        None if before is None else decode(before),
        None if job_type is None else Trigger(job_type, job_id),
    )
