"""Persons and groups follow a batch of events, and an event that they can't follow is found."""

from collections.abc import Sequence
from typing import Final

import msgspec
import psycopg
from psycopg.errors import ProgramLimitExceeded

from contracts.product_events import CapturedEvent
from services.projector.product_events import groups, marks, person_tables
from services.projector.product_events.event_rows import EventRow
from services.projector.product_events.groups import Group, GroupKey
from services.projector.product_events.marks import Marked
from services.projector.product_events.person_tables import Conn
from services.projector.product_events.persons import Identities

UNWRITABLE: Final = (psycopg.DataError, ProgramLimitExceeded)
"""PostgreSQL's errors for a value that it will never hold: a NUL in a text, a key too long for an
index. Trying again changes nothing."""


class MessageEvent(msgspec.Struct, frozen=True):
    """An event with the place it came from."""

    sequence: int
    index: int
    team_id: int
    event: CapturedEvent


class ResolvedBatch(msgspec.Struct, frozen=True):
    """The events with their persons and groups, and what has changed of those, with its marks."""

    rows: Sequence[EventRow]
    persons: person_tables.StoredChanges
    groups: dict[GroupKey, Group]
    marks: set[Marked]


async def follow(conn: Conn, located: Sequence[MessageEvent], version: int) -> ResolvedBatch:
    """Writes persons and groups, within the caller's transaction. Raises UNWRITABLE's kinds."""
    events = [(one.team_id, one.event) for one in located]
    known_persons = await person_tables.load(conn, person_tables.ids_of(events))
    identities = Identities(known_persons)
    types = await groups.load_types(conn, {one.team_id for one in located})
    rows = [
        EventRow(
            one.sequence,
            one.index,
            one.team_id,
            one.event,
            identities.follow(one.team_id, one.event),
            types.keys(one.team_id, one.event),
        )
        for one in located
    ]
    changes = identities.changes()
    persons = await person_tables.save(conn, changes, version)
    changed = groups.changed_groups(events, types, {})
    known = await groups.load(conn, changed)
    changed = groups.changed_groups(events, types, known)
    await groups.save_types(conn, types)
    await groups.save(conn, changed, version)
    moved = marks.of_changes(known_persons, changes) | marks.of_groups_changed(known, changed)
    return ResolvedBatch(rows, persons, changed, moved)


async def first_unwritable(
    conn: Conn, located: Sequence[MessageEvent], version: int
) -> tuple[int, psycopg.Error] | None:
    """The place of the first event with which the ones before it can't be written, and what
    PostgreSQL says of it; None: all can.

    Outside a transaction. The same for the same events and tables, so that a batch that is repeated
    leaves out the same ones.
    """
    refusal = await _refusal(conn, located, version)
    if refusal is None:
        return None
    writable, unwritable = 0, len(located)
    while unwritable - writable > 1:
        middle = (writable + unwritable) // 2
        refused = await _refusal(conn, located[:middle], version)
        if refused is None:
            writable = middle
        else:
            unwritable, refusal = middle, refused
    return writable, refusal


async def _refusal(
    conn: Conn, located: Sequence[MessageEvent], version: int
) -> psycopg.Error | None:
    """Why these can't be written together; nothing is written."""
    try:
        async with conn.transaction(force_rollback=True):
            await follow(conn, located, version)
    except UNWRITABLE as refused:
        return refused
    return None
