"""Persons and their ids: read for a batch, written with it, and copied to ClickHouse."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.product_events import CapturedEvent, JsonObject, canonical_text, property_texts
from contracts.times import microseconds, moment
from services.common.clickhouse import ClickHouse
from services.projector.product_events.persons import Changes, Id, KnownPersons, Person, PersonKey

Conn = AsyncConnection[TupleRow]

_object = msgspec.json.Decoder(JsonObject)


class StoredChanges(msgspec.Struct, frozen=True):
    """Changes that the tables hold after a batch and ClickHouse does not yet.

    ids: every distinct id that is new or moved. merged: flat; includes earlier merges whose target
    was itself merged.
    """

    ids: Sequence[tuple[int, str, UUID]]
    merged: Sequence[tuple[int, UUID, UUID]]
    persons: Sequence[tuple[PersonKey, Person]]
    removed: Sequence[PersonKey]


def ids_of(events: Iterable[tuple[int, CapturedEvent]]) -> set[Id]:
    """Every distinct id that these events of a team name."""
    ids = set()
    for team_id, event in events:
        ids.add((team_id, event.distinct_id))
        if event.person is not None and event.person.joins is not None:
            ids.add((team_id, event.person.joins))
    return ids


async def load(conn: Conn, ids: set[Id]) -> KnownPersons:
    """The stored persons of these ids."""
    cursor = await conn.execute(
        "SELECT d.team_id, d.distinct_id, d.person_id, p.properties, p.is_identified, p.created_at"
        " FROM unnest(%s::bigint[], %s::text[]) AS asked (team_id, distinct_id)"
        " JOIN person_distinct_ids d USING (team_id, distinct_id)"
        " LEFT JOIN persons p ON p.team_id = d.team_id AND p.person_id = d.person_id",
        _columns(ids, 2),
    )
    known: dict[Id, UUID] = {}
    persons: dict[PersonKey, Person] = {}
    async for team_id, distinct_id, person, properties, is_identified, created_at in cursor:
        known[team_id, distinct_id] = person
        if properties is not None and (team_id, person) not in persons:
            persons[team_id, person] = Person(
                _object.decode(properties), is_identified, microseconds(created_at)
            )
    return KnownPersons(known, persons)


async def save(conn: Conn, changes: Changes, version: int) -> StoredChanges:
    """Write what a batch changes; repeated after a rollback, it writes the same."""
    moved = await _move(conn, changes, version)
    placed = [(team_id, name, person) for (team_id, name), person in changes.ids.items()]
    if placed:
        await conn.execute(
            "INSERT INTO person_distinct_ids (team_id, distinct_id, person_id, version)"
            " SELECT *, %s FROM unnest(%s::bigint[], %s::text[], %s::uuid[])"
            " ON CONFLICT (team_id, distinct_id) DO UPDATE"
            " SET person_id = excluded.person_id, version = excluded.version",
            (version, *_columns(placed, 3)),
        )
    merged = await _override(conn, changes, version)
    await _save_records(conn, changes, version)
    ids = {(team_id, name): person for team_id, name, person in moved} | dict(changes.ids)
    return StoredChanges(
        ids=[(*key, person) for key, person in ids.items()],
        merged=merged,
        persons=list(changes.persons.items()),
        removed=list(changes.removed),
    )


async def mirror(clickhouse: ClickHouse, stored: StoredChanges, version: int) -> None:
    """Copy to ClickHouse. Safe to repeat: a row replaces the one with the same key and version."""
    if stored.ids:
        teams, names, persons = _columns(stored.ids, 3)
        await clickhouse.insert(
            "person_distinct_ids",
            {"team_id": teams, "distinct_id": names, "person_id": persons}
            | {"version": [version] * len(teams)},
        )
    if stored.merged:
        teams, sources, targets = _columns(stored.merged, 3)
        await clickhouse.insert(
            "person_overrides",
            {"team_id": teams, "person_id": sources, "target_id": targets}
            | {"version": [version] * len(teams)},
        )
    if stored.persons or stored.removed:
        await clickhouse.insert("persons", _person_columns(stored, version))


async def _move(conn: Conn, changes: Changes, version: int) -> list[tuple[int, str, UUID]]:
    """Ids of merged persons go along, those that this batch does not name too."""
    if not changes.merged:
        return []
    cursor = await conn.execute(
        "UPDATE person_distinct_ids d SET person_id = m.target_id, version = %s"
        " FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[]) AS m (team_id, person_id, target_id)"
        " WHERE d.team_id = m.team_id AND d.person_id = m.person_id"
        " RETURNING d.team_id, d.distinct_id, d.person_id",
        (version, *_merges(changes)),
    )
    return await cursor.fetchall()


async def _override(conn: Conn, changes: Changes, version: int) -> list[tuple[int, UUID, UUID]]:
    if not changes.merged:
        return []
    merges = _merges(changes)
    cursor = await conn.execute(
        "UPDATE person_overrides o SET target_id = m.target_id, version = %s"
        " FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[]) AS m (team_id, person_id, target_id)"
        " WHERE o.team_id = m.team_id AND o.target_id = m.person_id"
        " RETURNING o.team_id, o.person_id, o.target_id",
        (version, *merges),
    )
    followed = await cursor.fetchall()
    await conn.execute(
        "INSERT INTO person_overrides (team_id, person_id, target_id, version)"
        " SELECT *, %s FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[])"
        " ON CONFLICT (team_id, person_id) DO UPDATE"
        " SET target_id = excluded.target_id, version = excluded.version",
        (version, *merges),
    )
    return followed + [(team_id, source, to) for (team_id, source), to in changes.merged.items()]


async def _save_records(conn: Conn, changes: Changes, version: int) -> None:
    if changes.removed:
        await conn.execute(
            "DELETE FROM persons p USING unnest(%s::bigint[], %s::uuid[]) AS r (team_id, person_id)"
            " WHERE p.team_id = r.team_id AND p.person_id = r.person_id",
            _columns(changes.removed, 2),
        )
    if changes.persons:
        rows = [
            (
                team_id,
                person_id,
                canonical_text(person.properties),
                person.is_identified,
                moment(person.created_at),
            )
            for (team_id, person_id), person in changes.persons.items()
        ]
        await conn.execute(
            "INSERT INTO persons"
            " (team_id, person_id, properties, is_identified, created_at, version)"
            " SELECT *, %s"
            " FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::boolean[], %s::timestamptz[])"
            " ON CONFLICT (team_id, person_id) DO UPDATE SET properties = excluded.properties,"
            " is_identified = excluded.is_identified, created_at = excluded.created_at,"
            " version = excluded.version",
            (version, *_columns(rows, 5)),
        )


def _merges(changes: Changes) -> list[list[Any]]:
    return _columns([(*key, target) for key, target in changes.merged.items()], 3)


def _person_columns(stored: StoredChanges, version: int) -> dict[str, list[Any]]:
    rows = []
    for (team_id, person_id), person in stored.persons:
        column, sent = property_texts(person.properties)
        rows.append(
            (team_id, person_id, column, sent or column, person.is_identified, person.created_at,
             False)
        )  # fmt: skip
    rows += [(team_id, gone, "{}", "{}", False, 0, True) for team_id, gone in stored.removed]
    names = (
        "team_id", "person_id", "properties", "sent", "is_identified", "created_at", "deleted",
    )  # fmt: skip
    columns = dict(zip(names, _columns(rows, len(names)), strict=True))
    return columns | {"version": [version] * len(rows)}


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into `width` lists of equal length."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
