"""The activity table: one entry per command on an insight, its sharing, or its being looked at."""

from collections.abc import Sequence
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from contracts.events.insight import InsightCreated
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import insight_stream, share_login_stream, sharing_stream
from contracts.json import EMPTY_OBJECT, NULL
from contracts.read_models import projections
from contracts.read_models.activity import ActivityRow, Change
from contracts.read_models.insight import InsightRow
from domain.changes import change
from domain.insight import changes as insight_changes
from domain.insight.view import project
from domain.sharing import changes as sharing_changes
from domain.viewing import activity as viewing_activity
from domain.viewing.activity import VIEWED
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
    of_insight,
    of_sharing,
    of_viewing,
)

_rows = msgspec.json.Decoder(ActivityRow)
_subjects = msgspec.json.Decoder(InsightRow)
_encoder = msgspec.json.Encoder()

_LOAD_ENTRIES = "SELECT id, row::text FROM activity WHERE id = ANY(%s)"
_LOAD_SUBJECTS = "SELECT stream_id, row::text FROM activity_subjects WHERE stream_id = ANY(%s)"

_SAVE_ENTRY = """
    INSERT INTO activity (id, team_id, insight_id, position, quiet, row)
    VALUES (%(id)s, %(team_id)s, %(insight_id)s, %(position)s, %(quiet)s, %(row)s)
    ON CONFLICT (id) DO UPDATE SET quiet = excluded.quiet, row = excluded.row"""

_SAVE_SUBJECT = """
    INSERT INTO activity_subjects (team_id, insight_id, stream_id, row)
    VALUES (%(team_id)s, %(insight_id)s, %(stream_id)s, %(row)s)
    ON CONFLICT (team_id, insight_id) DO UPDATE SET
        stream_id = excluded.stream_id, row = excluded.row"""

_FORGET_ENTRIES = """
    DELETE FROM activity USING unnest(%(teams)s::bigint[], %(insights)s::bigint[])
        AS of (team_id, insight_id)
    WHERE (activity.team_id, activity.insight_id) = (of.team_id, of.insight_id)
    RETURNING activity.position"""
_FORGET_SUBJECTS = """
    DELETE FROM activity_subjects USING unnest(%(teams)s::bigint[], %(insights)s::bigint[])
        AS of (team_id, insight_id)
    WHERE (activity_subjects.team_id, activity_subjects.insight_id)
        = (of.team_id, of.insight_id)"""

# A view stands in its user's stream: it is found by its entry, which has no other fact.
_WITH_ENTRIES = (insight_stream, sharing_stream, share_login_stream)


class Batch(msgspec.Struct):
    """entries: by id. subjects: the insights, by their own stream, as far as entries need them.

    written, moved: the entries and the subjects to write.
    """

    entries: dict[UUID, ActivityRow]
    subjects: dict[UUID, InsightRow]
    written: set[UUID]
    moved: dict[UUID, int]


class ActivityProjection:
    """Entries grow fact by fact, so a command that spans two batches makes one entry too."""

    name = projections.ACTIVITY
    topics = frozenset({INSIGHT, SHARING, VIEWING})
    tables = (
        ProjectionTable("activity", ("id",), AtFact()),
        ProjectionTable("activity_subjects", ("team_id", "insight_id"), OwnStream()),
    )

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> Batch:
        entries = await conn.execute(_LOAD_ENTRIES, (list({entry_id(fact) for fact in facts}),))
        subjects = await conn.execute(_LOAD_SUBJECTS, (list({_subject(fact) for fact in facts}),))
        return Batch(
            entries={id_: _rows.decode(row) for id_, row in await entries.fetchall()},
            subjects={id_: _subjects.decode(row) for id_, row in await subjects.fetchall()},
            written=set(),
            moved={},
        )

    def apply(self, state: Batch, fact: Recorded[DomainEvent]) -> None:
        subject_id, id_ = _subject(fact), entry_id(fact)
        before = state.subjects.get(subject_id)
        after = project(before, fact) if of_insight(fact) else before
        newer = _entry(fact, before, after)
        entry = state.entries.get(id_)
        state.entries[id_] = newer if entry is None else _merged(entry, newer)
        state.written.add(id_)
        if after is not None and after is not before:
            state.subjects[subject_id] = after
            state.moved[subject_id] = fact.team_id

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        subject = _subject(fact)
        return None if subject == fact.stream_id else subject

    async def save(self, conn: Connection, state: Batch) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE_ENTRY, [_columns(state.entries[id_]) for id_ in state.written]
            )
            await cursor.executemany(
                _SAVE_SUBJECT,
                [
                    {
                        "team_id": team_id,
                        "insight_id": state.subjects[stream_id].insight_id,
                        "stream_id": stream_id,
                        "row": _encoder.encode(_light(state.subjects[stream_id])).decode(),
                    }
                    for stream_id, team_id in state.moved.items()
                ],
            )

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        """All entries about the insight: those of sharing and views have its name as well."""
        of = {(each.team_id, each.number) for each in erased if each.topic in (INSIGHT, SHARING)}
        asked = {"teams": [team for team, _ in of], "insights": [number for _, number in of]}
        cursor = await conn.execute(_FORGET_ENTRIES, asked)
        positions = [position for (position,) in await cursor.fetchall()]
        await conn.execute(_FORGET_SUBJECTS, asked)
        streams = [make(team, number).id for team, number in of for make in _WITH_ENTRIES]
        return await facts_of(conn, streams, positions, up_to)


def entry_id(fact: Recorded[DomainEvent]) -> UUID:
    """The same for all facts of one command on one insight, now and at every replay.

    A user's views share one stream, so there the insight is named as well.
    """
    name = str(fact.stream_id)
    if of_viewing(fact):
        name = f"{name}:{fact.event.insight_id}"
    return uuid5(fact.operation_id, name)


def _subject(fact: Recorded[DomainEvent]) -> UUID:
    """The stream of the insight that the fact is about."""
    if of_sharing(fact) or of_viewing(fact):
        return insight_stream(fact.team_id, fact.event.insight_id).id
    return fact.stream_id


def _entry(
    fact: Recorded[DomainEvent], before: InsightRow | None, after: InsightRow | None
) -> ActivityRow:
    """The entry as if this fact were its command's only one.

    An insight whose own stream is parked has no name here; what is shared or looked at still shows.
    """
    changes: list[Change] | None = None
    if of_insight(fact) and after is not None:
        insight_id = after.insight_id
        activity = insight_changes.activity_name(fact.event)
        if not isinstance(fact.event, InsightCreated):
            changes = insight_changes.changes(fact.event, before, after)
        quiet = insight_changes.is_quiet(fact.event)
    elif of_sharing(fact):
        insight_id = fact.event.insight_id
        activity = sharing_changes.activity_name(fact.event)
        changes = sharing_changes.activity_changes(fact.event)
        quiet = sharing_changes.is_quiet(fact.event)
    elif of_viewing(fact):
        insight_id = fact.event.insight_id
        activity = viewing_activity.activity_name(fact.event)
        quiet = viewing_activity.is_quiet(fact.event)
    else:
        raise TypeError(f"activity does not know {type(fact.event).__name__}")
    return ActivityRow(
        id=entry_id(fact),
        team_id=fact.team_id,
        insight_id=insight_id,
        activity=activity,
        changes=None if changes is None else tuple(changes),
        name=(after.name or after.derived_name) if after else None,
        short_id=after.short_id if after else "",
        user_id=fact.user_id,
        at=fact.at,
        position=fact.position,
        quiet=quiet,
    )


# The activity of a command whose facts differ: the heaviest's; unnamed ones come in between.
_WEIGHT = {"created": 3, "updated": 1, "sharing changed": 1, VIEWED: 0}


def _merged(entry: ActivityRow, newer: ActivityRow) -> ActivityRow:
    """The entry with one more fact of the same command."""
    created = entry.activity == "created"
    heavier = _WEIGHT.get(newer.activity, 2) > _WEIGHT.get(entry.activity, 2)
    return replace(
        entry,
        activity=newer.activity if heavier else entry.activity,
        # PostHog: a creation has no changes, whatever it brings along.
        changes=None if created else _all_changes(entry.changes or (), newer.changes or ()),
        name=newer.name,
        quiet=entry.quiet and newer.quiet,
    )


def _all_changes(known: tuple[Change, ...], more: tuple[Change, ...]) -> tuple[Change, ...]:
    """One per field, in the order of the facts: the first before and the last after."""
    fields = {each.field: each for each in known}
    for each in more:
        if first := fields.get(each.field):
            each = change(each.field, first.before, each.after, each.type)
        fields[each.field] = each
    return tuple(fields.values())


def _light(insight: InsightRow) -> InsightRow:
    """Without the documents and texts that no entry asks the subject for."""
    return replace(insight, filters=EMPTY_OBJECT, query=NULL, description=None, tags=())


def _columns(entry: ActivityRow) -> dict[str, object]:
    return {
        "id": entry.id,
        "team_id": entry.team_id,
        "insight_id": entry.insight_id,
        "position": entry.position,
        "quiet": entry.quiet,
        "row": _encoder.encode(entry).decode(),
    }
