"""The history tables: the row of every stream as each operation left it.

A read of the past is the present's statement over these tables. Nothing here is ever folded again
to answer one, and no sentence is kept: those are made of a row and the one before it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeGuard
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace
from psycopg.sql import SQL, Composed, Identifier

from contracts.events.history import HistoryEvent, OperationsUndone
from contracts.events.recorded import DomainEvent, Recorded, UserActor
from contracts.events.streams import StreamKind
from contracts.read_models import projections
from contracts.read_models.access import AccessRow
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.project import ProjectRow
from contracts.read_models.sharing import SharingRow
from contracts.read_models.version import FOREVER, VersionActivity, VersionEntry
from contracts.triggers import trigger_of
from domain.access import view as access
from domain.action import view as action
from domain.cohort import view as cohort
from domain.dashboard import view as dashboard
from domain.insight import view as insight
from domain.project import view as project
from domain.sharing import view as sharing
from services.common.log.entries import facts_of
from services.projector.checkpoint import Connection
from services.projector.projection import (
    HISTORY,
    INSIGHT,
    Entry,
    ErasedFrom,
    Numbered,
    OwnStream,
    ProjectionTable,
    topic,
)
from services.projector.read_models.insights import insight_columns

Row = InsightRow | DashboardRow | ActionRow | CohortRow | SharingRow | AccessRow | ProjectRow

_encoder = msgspec.json.Encoder()


class _Kind(msgspec.Struct, frozen=True):
    """row: its type. project: the fold. number: of a row's stream, in the project."""

    row: type[Any]
    project: Callable[[Any, Any], Any]
    number: Callable[[Any], int]


_KINDS: Mapping[str, _Kind] = {
    INSIGHT: _Kind(InsightRow, insight.project, lambda row: row.insight_id),
    "dashboard": _Kind(DashboardRow, dashboard.project, lambda row: row.dashboard_id),
    "action": _Kind(ActionRow, action.project, lambda row: row.action_id),
    "cohort": _Kind(CohortRow, cohort.project, lambda row: row.cohort_id),
    "sharing": _Kind(SharingRow, sharing.project, lambda row: row.insight_id),
    "access": _Kind(AccessRow, access.project, lambda row: row.insight_id),
    "project": _Kind(ProjectRow, project.project, lambda row: 0),
}

_INSIGHTS = ProjectionTable("insight_versions", ("stream_id", "position"), OwnStream())
_OTHERS = ProjectionTable("versions", ("stream_id", "position"), OwnStream())
_TRIGGERS = ProjectionTable(
    "operation_triggers", ("team_id", "operation_id"), Numbered(StreamKind.HISTORY, None)
)
_UNDONE = ProjectionTable(
    "operations_undone",
    ("team_id", "operation_id", "undone_by"),
    Numbered(StreamKind.HISTORY, None),
)

# Each island: facts of one operation without another's in between, by its first and last position.
_ENDS = """
    SELECT min(position), max(position), max(position) - max(team_seq) FROM (
        SELECT log.notification_id AS position, log.team_seq, log.team_id, log.operation_id,
            log.notification_id - row_number() OVER (
                PARTITION BY log.team_id, log.operation_id ORDER BY log.notification_id
            ) AS island
        FROM log JOIN (
            SELECT DISTINCT * FROM unnest(%(teams)s::bigint[], %(operations)s::uuid[])
                AS named (team_id, operation_id)
        ) AS asked USING (team_id, operation_id)
    ) AS facts
    GROUP BY team_id, operation_id, island"""

_NEWEST_INSIGHTS = """
    SELECT asked.stream_id, newest.* FROM unnest(%s::uuid[]) AS asked (stream_id)
    CROSS JOIN LATERAL (
        SELECT 'insight', v.row::text, v.first_version, v.version, v.position, v.sequence, v.at,
            v.user_id, v.key_id, v.activity, v.operation_id, v.causation_id
        FROM insight_versions v WHERE v.stream_id = asked.stream_id
        ORDER BY v.position DESC LIMIT 1
    ) AS newest"""
_NEWEST_OTHERS = """
    SELECT asked.stream_id, newest.* FROM unnest(%s::uuid[]) AS asked (stream_id)
    CROSS JOIN LATERAL (
        SELECT v.kind, v.row::text, v.first_version, v.version, v.position, v.sequence, v.at,
            v.user_id, v.key_id, v.activity, v.operation_id, v.causation_id
        FROM versions v WHERE v.stream_id = asked.stream_id
        ORDER BY v.position DESC LIMIT 1
    ) AS newest"""

# By its position, known from the load: asked for as the one without an end, it costs twenty times.
_CLOSE_INSIGHTS = """
    UPDATE insight_versions AS v SET until = closed.until
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS closed (stream_id, position, until)
    WHERE v.stream_id = closed.stream_id AND v.position = closed.position"""
_CLOSE_OTHERS = """
    UPDATE versions AS v SET until = closed.until
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS closed (stream_id, position, until)
    WHERE v.stream_id = closed.stream_id AND v.position = closed.position"""

_FORGET_INSIGHTS = "DELETE FROM insight_versions WHERE stream_id = ANY(%s)"
_FORGET_OTHERS = "DELETE FROM versions WHERE stream_id = ANY(%s)"

_TRIGGER = """
    INSERT INTO operation_triggers (team_id, operation_id, job_type, job_id)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"""
_UNDO = """
    INSERT INTO operations_undone (team_id, operation_id, undone_by, position)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"""


class _Version(msgspec.Struct, frozen=True):
    kind: str
    row: Row
    entry: VersionEntry


class _End(msgspec.Struct, frozen=True):
    """Of the operation that a fact belongs to: its last fact's place."""

    position: int
    sequence: int


class Batch(msgspec.Struct):
    """newest: of each stream. ends: by the position of a fact. written: the versions to write, by
    stream and position, each with its end. closed: the ends of versions that are in the tables.
    told: what was said of operations.
    """

    newest: dict[UUID, _Version]
    ends: dict[int, _End]
    written: dict[tuple[UUID, int], tuple[_Version, int]]
    closed: dict[tuple[UUID, int], tuple[str, int]]
    told: list[Recorded[HistoryEvent]]


class HistoryProjection:
    """One row per operation and stream, however the log is cut into batches.

    The end of an operation is asked of the log itself. So a row's position is right from its first
    fact on, and an operation that spans two batches makes one row.
    """

    name = projections.HISTORY
    topics = frozenset(_KINDS) | {HISTORY}
    tables = (_INSIGHTS, _OTHERS, _TRIGGERS, _UNDONE)

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> Batch:
        streams: dict[bool, set[UUID]] = {True: set(), False: set()}
        for fact in facts:
            streams[topic(fact) == INSIGHT].add(fact.stream_id)
        ends = await conn.execute(
            _ENDS,
            {
                "teams": [fact.team_id for fact in facts],
                "operations": [fact.operation_id for fact in facts],
            },
        )
        found = [
            await conn.execute(_NEWEST_INSIGHTS if are_insights else _NEWEST_OTHERS, (list(named),))
            for are_insights, named in streams.items()
            if named
        ]
        return Batch(
            newest={
                stream_id: _version(*rest)
                for cursor in found
                for stream_id, *rest in await cursor.fetchall()
            },
            ends={
                position: _End(last, last - ahead)
                for first, last, ahead in await ends.fetchall()
                for position in range(first, last + 1)
            },
            written={},
            closed={},
            told=[],
        )

    def apply(self, state: Batch, fact: Recorded[DomainEvent]) -> None:
        if _of_history(fact):
            state.told.append(fact)
            return
        kind, end = topic(fact), state.ends[fact.position]
        before = state.newest.get(fact.stream_id)
        row = _KINDS[kind].project(None if before is None else before.row, fact)
        if before is None or before.entry.position != end.position:
            entry = _entry(fact, end, _activity(before, row))
        else:
            entry = replace(
                before.entry, version=fact.version, at=fact.at, activity=_merged(before, row)
            )
        version = _Version(kind, row, entry)
        if before is not None and before.entry.position != end.position:
            self._close(state, fact.stream_id, before, end.position)
        state.newest[fact.stream_id] = version
        state.written[fact.stream_id, end.position] = (version, FOREVER)

    def _close(self, state: Batch, stream_id: UUID, before: _Version, until: int) -> None:
        place = (stream_id, before.entry.position)
        if place in state.written:
            state.written[place] = (before, until)
        else:
            state.closed[place] = (before.kind, until)

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        return None

    async def save(self, conn: Connection, state: Batch) -> None:
        closed: dict[bool, list[tuple[UUID, int, int]]] = {True: [], False: []}
        for (stream_id, position), (kind, until) in state.closed.items():
            closed[kind == INSIGHT].append((stream_id, position, until))
        rows: dict[bool, list[dict[str, object]]] = {True: [], False: []}
        for (stream_id, _), (version, until) in state.written.items():
            rows[version.kind == INSIGHT].append(
                _columns(version) | {"stream_id": stream_id, "until": until}
            )
        async with conn.cursor() as cursor:
            for are_insights, ended in closed.items():
                if ended:
                    statement = _CLOSE_INSIGHTS if are_insights else _CLOSE_OTHERS
                    await cursor.execute(
                        statement, [list(each) for each in zip(*ended, strict=True)]
                    )
            for table, written in ((_INSIGHTS, rows[True]), (_OTHERS, rows[False])):
                if written:
                    upsert = _upsert(table.name, tuple(written[0]))
                    await cursor.execute(upsert, (_encoder.encode(written).decode(),))
            await cursor.executemany(_TRIGGER, [_trigger(fact) for fact in state.told])
            await cursor.executemany(_UNDO, [line for fact in state.told for line in _undone(fact)])

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        streams = [each.stream_id for each in erased if each.topic in _KINDS]
        for statement in (_FORGET_INSIGHTS, _FORGET_OTHERS):
            await conn.execute(statement, (streams,))
        return await facts_of(conn, streams, (), up_to)


def _of_history(fact: Recorded[DomainEvent]) -> TypeGuard[Recorded[HistoryEvent]]:
    return isinstance(fact.event, HistoryEvent)


def _trigger(fact: Recorded[HistoryEvent]) -> tuple[object, ...]:
    trigger = trigger_of(fact.event, fact.operation_id)
    return (fact.team_id, fact.operation_id, trigger.job_type, trigger.job_id)


def _undone(fact: Recorded[HistoryEvent]) -> list[tuple[object, ...]]:
    if not isinstance(fact.event, OperationsUndone):
        return []
    return [
        (fact.team_id, operation_id, fact.operation_id, fact.position)
        for operation_id in fact.event.operation_ids
    ]


@cache
def _upsert(table: str, columns: tuple[str, ...]) -> Composed:
    """All rows of a batch as one parameter: thirty columns a row, each adapted by itself, cost four
    times as much.
    """
    return SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns}"
        " FROM json_populate_recordset(NULL::{table}, %s::json)"
        " ON CONFLICT (stream_id, position) DO UPDATE SET {moved}"
    ).format(
        table=Identifier(table),
        columns=SQL(", ").join(map(Identifier, columns)),
        moved=SQL(", ").join(
            SQL("{column} = excluded.{column}").format(column=Identifier(column))
            for column in columns
            if column not in ("stream_id", "position")
        ),
    )


def _version(kind: str, row: str, *entry: Any) -> _Version:
    names = VersionEntry.__struct_fields__
    return _Version(
        kind,
        msgspec.json.decode(row, type=_KINDS[kind].row),
        VersionEntry(**dict(zip(names, entry, strict=True))),
    )


def _entry(fact: Recorded[DomainEvent], end: _End, activity: VersionActivity) -> VersionEntry:
    return VersionEntry(
        first_version=fact.version,
        version=fact.version,
        position=end.position,
        sequence=end.sequence,
        at=fact.at,
        user_id=fact.user_id,
        key_id=fact.actor.key_id if isinstance(fact.actor, UserActor) else None,
        activity=activity,
        operation_id=fact.operation_id,
        causation_id=fact.causation_id,
    )


def _activity(before: _Version | None, row: Row) -> VersionActivity:
    return "created" if before is None else _between(_deleted(before.row), _deleted(row))


def _merged(version: _Version, row: Row) -> VersionActivity:
    """The activity of an operation with one more fact, which left `row`."""
    known = version.entry.activity
    if known == "created":
        return known
    was_deleted = {"deleted": False, "restored": True}.get(known, _deleted(version.row))
    return _between(was_deleted, _deleted(row))


def _between(was_deleted: bool, is_deleted: bool) -> VersionActivity:
    if was_deleted == is_deleted:
        return "updated"
    return "deleted" if is_deleted else "restored"


def _deleted(row: Row) -> bool:
    """Sharing, rules and settings are switched off or changed; they are never deleted."""
    if isinstance(row, SharingRow | AccessRow | ProjectRow):
        return False
    return row.deleted


def _columns(version: _Version) -> dict[str, object]:
    """But for `stream_id` and `until`."""
    row = version.row
    if isinstance(row, InsightRow):
        columns = insight_columns(row)
        key = columns["query_key"]
        columns["query_key"] = f"\\x{key.hex()}" if isinstance(key, bytes) else None
    else:
        name = None if isinstance(row, SharingRow | AccessRow) else row.name
        columns = {
            "team_id": row.team_id,
            "kind": version.kind,
            "number": _KINDS[version.kind].number(row),
            "name_key": None if name is None else name.casefold(),
            "deleted": _deleted(row),
        }
    return columns | asdict(version.entry) | {"row": row}
