"""The activity table: one entry per operation and thing that it touched."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha1
from typing import Any, get_args
from uuid import UUID

import msgspec

from contracts.events.recorded import DomainEvent, Recorded, UserActor
from contracts.events.streams import (
    StreamKind,
    access_stream,
    insight_stream,
    project_stream,
    share_login_stream,
    sharing_stream,
)
from contracts.events.viewing import ViewingEvent
from contracts.read_models import projections
from contracts.read_models.activity import ActivityDetails, ActivitySubject, Scope
from domain.activity import told
from domain.activity.subjects import subject_after, subject_stream
from domain.activity.told import Told
from services.common.log.entries import facts_of
from services.projector.checkpoint import Connection
from services.projector.projection import (
    INSIGHT,
    SHARING,
    VIEWING,
    AtFact,
    Entry,
    ErasedFrom,
    OwnStream,
    ProjectionTable,
)

_subjects = msgspec.json.Decoder(ActivitySubject)
_encoder = msgspec.json.Encoder()

# Ids as one text, and their places as the answer: each of them, adapted by itself both ways, costs
# more than the row.
_LOAD = """
    SELECT asked.place, s.row::text
    FROM unnest(string_to_array(%s, ',')::uuid[]) WITH ORDINALITY AS asked (stream_id, place)
    JOIN activity_subjects s ON s.stream_id = asked.stream_id"""

# All rows of a batch are one parameter: fifteen columns a row, each adapted by itself, cost ten
# times as much of ours. A row is a text in there, so that the server need not take it apart.
_SAVE_ENTRIES = """
    INSERT INTO activity (id, team_id, scope, item_id, insight_id, activity, quiet, user_id, key_id,
        operation_id, at, position, sequence, fields, row)
    SELECT id, team_id, scope, item_id, insight_id, activity, quiet, user_id, key_id, operation_id,
        at, position, sequence, fields, row::json
    FROM json_to_recordset(%s::json) AS made (
        id uuid, team_id bigint, scope text, item_id text, insight_id bigint, activity text,
        quiet boolean, user_id bigint, key_id text, operation_id uuid, at timestamptz,
        position bigint, sequence bigint, fields text[], row text
    )
    ON CONFLICT (id) DO UPDATE SET activity = excluded.activity, quiet = excluded.quiet,
        at = excluded.at, position = excluded.position, sequence = excluded.sequence,
        fields = excluded.fields, row = excluded.row"""

_SAVE_SUBJECTS = """
    INSERT INTO activity_subjects (stream_id, row)
    SELECT stream_id, row::json
    FROM json_to_recordset(%s::json) AS moved (stream_id uuid, row text)
    ON CONFLICT (stream_id) DO UPDATE SET row = excluded.row"""

_ITEMS = "SELECT stream_id, row->>'item_id' FROM activity_subjects WHERE stream_id = ANY(%s)"
_FORGET_ENTRIES = """
    DELETE FROM activity USING unnest(%(teams)s::bigint[], %(scopes)s::text[], %(items)s::text[])
        AS of (team_id, scope, item_id)
    WHERE (activity.team_id, activity.scope, activity.item_id)
        = (of.team_id, of.scope, of.item_id)
    RETURNING activity.position"""
_FORGET_SUBJECTS = "DELETE FROM activity_subjects WHERE stream_id = ANY(%s)"


class _Entry(msgspec.Struct, gc=False):
    """An entry as far as its facts were folded. first, last: of them. subject: after the last."""

    first: Recorded[DomainEvent]
    last: Recorded[DomainEvent]
    told: Told
    subject: ActivitySubject | None


class _EntryColumns(msgspec.Struct, frozen=True, gc=False):
    id: str
    team_id: int
    scope: Scope
    item_id: str
    insight_id: int | None
    activity: str
    quiet: bool
    user_id: int | None
    key_id: str | None
    operation_id: UUID
    at: datetime
    position: int
    sequence: int
    fields: list[str]
    row: str


class _SubjectColumns(msgspec.Struct, frozen=True, gc=False):
    stream_id: str
    row: str


class Batch(msgspec.Struct):
    """subjects: the things, by their own stream. entries: by operation, stream, and the insight
    where a stream has facts about several. moved: the subjects to write.

    Ids stand here as their numbers: an id hashes itself in Python.
    """

    subjects: dict[int, ActivitySubject]
    entries: dict[tuple[int, int, int], _Entry]
    moved: set[int]


class ActivityProjection:
    """A batch holds operations whole, so no entry grows once it is written."""

    name = projections.ACTIVITY
    topics = frozenset(
        {
            INSIGHT,
            SHARING,
            VIEWING,
            StreamKind.ACCESS.value,
            StreamKind.DASHBOARD.value,
            StreamKind.ACTION.value,
            StreamKind.COHORT.value,
            StreamKind.PROJECT.value,
            StreamKind.WEBHOOK.value,
            StreamKind.BUS_CONSUMER.value,
            StreamKind.AUDIT.value,
        }
    )
    tables = (
        ProjectionTable("activity", ("id",), AtFact()),
        ProjectionTable("activity_subjects", ("stream_id",), OwnStream()),
    )

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> Batch:
        streams = [*{subject_stream(fact).int for fact in facts}]
        found = await conn.execute(_LOAD, (",".join(f"{stream:032x}" for stream in streams),))
        return Batch(
            subjects={
                streams[place - 1]: _subjects.decode(row) for place, row in await found.fetchall()
            },
            entries={},
            moved=set(),
        )

    def apply(self, state: Batch, fact: Recorded[DomainEvent]) -> None:
        about, stream = subject_stream(fact).int, fact.stream_id.int
        before = state.subjects.get(about)
        after = subject_after(before, fact) if about == stream else before
        newer = told.told(fact, before, after)
        if after is not None and after is not before:
            state.subjects[about] = after
            state.moved.add(about)
        if newer is None:
            return
        key = (fact.operation_id.int, stream, _viewed(fact))
        entry = state.entries.get(key)
        if entry is None:
            state.entries[key] = _Entry(fact, fact, newer, after)
        else:
            entry.last, entry.subject = fact, after
            entry.told = told.merged(entry.told, newer)

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        subject = subject_stream(fact)
        return None if subject == fact.stream_id else subject

    async def save(self, conn: Connection, state: Batch) -> None:
        if state.entries:
            entries = [_columns(entry) for entry in state.entries.values()]
            await conn.execute(_SAVE_ENTRIES, (_encoder.encode(entries).decode(),))
        if state.moved:
            subjects = [
                _SubjectColumns(f"{stream:032x}", _encoder.encode(state.subjects[stream]).decode())
                for stream in state.moved
            ]
            await conn.execute(_SAVE_SUBJECTS, (_encoder.encode(subjects).decode(),))

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        """All entries about the things: those of sharing and views have its name as well."""
        things = [*{thing for each in erased if (thing := _thing(each)) is not None}]
        if not things:
            return ()
        item_ids = await _item_ids(conn, things)
        gone = await conn.execute(
            _FORGET_ENTRIES,
            {
                "teams": [thing.team_id for thing in things],
                "scopes": [thing.scope for thing in things],
                "items": item_ids,
            },
        )
        positions = [position for (position,) in await gone.fetchall()]
        streams = [stream for thing in things for stream in thing.streams]
        await conn.execute(_FORGET_SUBJECTS, (streams,))
        return await facts_of(conn, streams, positions, up_to)


class _Thing(msgspec.Struct, frozen=True):
    """A thing that has entries. streams: with facts about it; the first is its own.

    A view stands in its user's stream: it is found by its entry, which has no other fact.
    """

    team_id: int
    scope: Scope
    number: int
    streams: tuple[UUID, ...]


_SCOPES: Mapping[str, Scope] = {
    INSIGHT: "Insight",
    SHARING: "Insight",
    StreamKind.ACCESS.value: "Insight",
    StreamKind.DASHBOARD.value: "Dashboard",
    StreamKind.ACTION.value: "Action",
    StreamKind.COHORT.value: "Cohort",
    StreamKind.PROJECT.value: "Team",
    StreamKind.WEBHOOK.value: "Webhook",
    StreamKind.BUS_CONSUMER.value: "BusConsumer",
}


def _thing(erased: ErasedFrom) -> _Thing | None:
    """None: its entries quote nothing."""
    team_id, number, scope = erased.team_id, erased.number, _SCOPES.get(erased.topic)
    if scope is None:
        return None
    if scope == "Team" or (erased.topic == StreamKind.ACCESS and not number):
        of_team = (project_stream(team_id), access_stream(team_id, 0))
        return _Thing(team_id, "Team", team_id, tuple(stream.id for stream in of_team))
    if scope != "Insight":
        return _Thing(team_id, scope, number, (erased.stream_id,))
    makers = (insight_stream, sharing_stream, share_login_stream, access_stream)
    return _Thing(team_id, scope, number, tuple(make(team_id, number).id for make in makers))


_VIEWS: frozenset[type[DomainEvent]] = frozenset(get_args(ViewingEvent))


async def _item_ids(conn: Connection, things: Sequence[_Thing]) -> list[str]:
    """Of each. The number is that of insights and projects; what others are called, the subject
    knows.
    """
    found = await conn.execute(_ITEMS, ([thing.streams[0] for thing in things],))
    named: dict[UUID, str] = dict(await found.fetchall())
    return [
        str(thing.number)
        if thing.scope in ("Insight", "Team")
        else named.get(thing.streams[0], str(thing.number))
        for thing in things
    ]


def _viewed(fact: Recorded[Any]) -> int:
    """The insight that was looked at: a user's views share one stream. 0: nobody looked."""
    viewed: int = fact.event.insight_id if type(fact.event) in _VIEWS else 0
    return viewed


def entry_id(fact: Recorded[DomainEvent]) -> str:
    """The same for all facts of one operation on one thing, now and at every replay: the UUIDv5 of
    stream and operation, as digits.
    """
    viewed = _viewed(fact)
    name = f"{fact.stream_id}:{viewed}" if viewed else str(fact.stream_id)
    digest = sha1(fact.operation_id.bytes + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:12]}5{digest[13:16]}{_VARIANT[digest[16]]}{digest[17:32]}"


_VARIANT = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
"""The digit that says which kind of id it is, in which two bits are free."""


def _columns(entry: _Entry) -> _EntryColumns:
    """A thing whose own stream is parked has no name; what is shared or looked at still shows."""
    first, last, telling, subject = entry.first, entry.last, entry.told, entry.subject
    item_id = telling.item_id
    if item_id is None:
        item_id = subject.item_id if subject else ""
    changes = telling.changes
    actor = first.actor
    user = actor if isinstance(actor, UserActor) else None
    details = ActivityDetails(
        changes=None if changes is None else tuple(changes.values()),
        name=(subject.name or subject.derived_name) if subject else None,
        short_id=subject.short_id if subject else "",
    )
    return _EntryColumns(
        id=entry_id(first),
        team_id=first.team_id,
        scope=telling.scope,
        item_id=item_id,
        insight_id=int(item_id) if telling.scope == "Insight" else None,
        activity=telling.activity,
        quiet=telling.quiet,
        user_id=user.user_id if user else None,
        key_id=user.key_id if user else None,
        operation_id=first.operation_id,
        at=first.at,
        position=last.position,
        sequence=last.team_seq,
        fields=sorted({field for field, _ in changes}) if changes else [],
        row=_encoder.encode(details).decode(),
    )
