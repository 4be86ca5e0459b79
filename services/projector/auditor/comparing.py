"""Live rows beside those folded again: which differ, and what puts them right.

All statements are made of what each table says of itself: its key, and which stream explains a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from msgspec import Struct
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from services.common.log.stream_facts import KnownStream
from services.projector.checkpoint import Connection
from services.projector.projection import (
    AtFact,
    NewestFact,
    Numbered,
    OwnStream,
    ProjectionTable,
    WholeChain,
)

NEW = "pg_temp"
"""The schema of the rows folded again."""


class RowKey(Struct, frozen=True):
    """A row as findings name it. key: its table and its primary key, `["insights", 1, 7]`."""

    key: str
    team_id: int


def values_of(streams: Iterable[KnownStream]) -> Mapping[str, object]:
    """The parameters of every statement below: these streams, as each kind of table names them."""
    streams = list(streams)
    return {
        "streams": [stream.id for stream in streams],
        "kinds": [stream.kind for stream in streams],
        "teams": [stream.team_id for stream in streams],
        "numbers": [stream.number for stream in streams],
    }


async def differing(
    conn: Connection,
    home: str,
    tables: Sequence[ProjectionTable],
    streams: Sequence[KnownStream],
) -> list[RowKey]:
    """The rows of these streams that are not the same on both sides, or on one side only."""
    found: dict[str, RowKey] = {}
    for table in _compared(tables):
        cursor = await conn.execute(_differing(home, table), values_of(streams))
        for key, team_id, is_new in await cursor.fetchall():
            # Where both sides have the row, its project is the one that the log tells.
            if is_new or key not in found:
                found[key] = RowKey(key, team_id)
    return list(found.values())


async def put_right(
    conn: Connection,
    home: str,
    tables: Sequence[ProjectionTable],
    streams: Sequence[KnownStream],
) -> list[RowKey]:
    """Makes the live rows of these streams what the new ones are; those that were not."""
    wrong = await differing(conn, home, tables, streams)
    # First all that is wrong goes: two wrong rows may each hold what is the other's alone.
    for table in _compared(tables):
        await conn.execute(_remove(home, table), values_of(streams))
        await conn.execute(_remove_unlike(home, table), values_of(streams))
    for table in _compared(tables):
        await conn.execute(_write(home, table), values_of(streams))
    return wrong


def key_text(table: ProjectionTable, row: Composable) -> Composed:
    """The key of a row as findings name it."""
    columns = SQL(", ").join(SQL("{}.{}").format(row, Identifier(column)) for column in table.key)
    return SQL("jsonb_build_array({table}::text, {columns})::text").format(
        table=Literal(table.name), columns=columns
    )


def team_of(home: str, table: ProjectionTable, row: Composable) -> Composed:
    """The project of a row: its stream's, where that is named, since not all say it; else 0."""
    if not isinstance(table.source, OwnStream):
        return SQL("{}.team_id").format(row)
    return SQL(
        "coalesce((SELECT log.team_id FROM {log} AS log"
        " WHERE log.originator_id = {row}.stream_id AND log.originator_version = 1), 0)"
    ).format(log=Identifier(home, "log"), row=row)


def of_streams(table: ProjectionTable) -> bool:
    """Whether one stream explains each of its rows."""
    return not isinstance(table.source, NewestFact | WholeChain)


def _compared(tables: Sequence[ProjectionTable]) -> list[ProjectionTable]:
    return [table for table in tables if of_streams(table)]


def _differing(home: str, table: ProjectionTable) -> Composed:
    return SQL(
        "SELECT {live_key}, {live_team}, false FROM {live} AS live"
        " WHERE {live_asked} AND NOT EXISTS ("
        "SELECT FROM {new} AS new WHERE {same_key} AND new::text = live::text)"
        " UNION ALL "
        "SELECT {new_key}, {new_team}, true FROM {new} AS new WHERE {new_asked} AND NOT EXISTS ("
        "SELECT FROM {live} AS live WHERE {same_key} AND new::text = live::text)"
    ).format(
        live_key=key_text(table, SQL("live")),
        live_team=team_of(home, table, SQL("live")),
        new_team=team_of(home, table, SQL("new")),
        new_key=key_text(table, SQL("new")),
        **_parts(home, table),
    )


def _remove(home: str, table: ProjectionTable) -> Composed:
    return SQL(
        "DELETE FROM {live} AS live WHERE {live_asked} AND NOT EXISTS ("
        "SELECT FROM {new} AS new WHERE {same_key} AND new::text = live::text)"
    ).format(**_parts(home, table))


def _remove_unlike(home: str, table: ProjectionTable) -> Composed:
    """Those in a new row's place that name another stream."""
    return SQL(
        "DELETE FROM {live} AS live USING {new} AS new"
        " WHERE {new_asked} AND {same_key} AND new::text <> live::text"
    ).format(**_parts(home, table))


def _write(home: str, table: ProjectionTable) -> Composed:
    return SQL(
        "INSERT INTO {live} SELECT * FROM {new} AS new WHERE {new_asked} AND NOT EXISTS ("
        "SELECT FROM {live} AS live WHERE {same_key})"
    ).format(**_parts(home, table))


def _parts(home: str, table: ProjectionTable) -> Mapping[str, Composable]:
    return {
        "live": Identifier(home, table.name),
        "new": Identifier(NEW, table.name),
        "live_asked": asked(home, table, SQL("live")),
        "new_asked": asked(home, table, SQL("new")),
        "same_key": SQL(" AND ").join(
            SQL("new.{column} = live.{column}").format(column=Identifier(column))
            for column in table.key
        ),
    }


def asked(home: str, table: ProjectionTable, row: Composable) -> Composed:
    """Whether a row is one of the asked streams'."""
    match table.source:
        case OwnStream():
            return SQL("{row}.stream_id = ANY(%(streams)s)").format(row=row)
        case Numbered(kind=kind, column=column):
            number = SQL("0") if column is None else SQL("{}.{}").format(row, Identifier(column))
            return SQL(
                "({row}.team_id, {number}) IN (SELECT named.team_id, named.number FROM"
                " unnest(%(kinds)s::text[], %(teams)s::bigint[], %(numbers)s::bigint[])"
                " AS named (kind, team_id, number) WHERE named.kind = {kind})"
            ).format(row=row, number=number, kind=Literal(kind.value))
        case AtFact():
            return SQL(
                "({row}.team_id, {row}.position) IN ("
                "SELECT team_id, notification_id FROM {log} WHERE originator_id = ANY(%(streams)s))"
            ).format(row=row, log=Identifier(home, "log"))
        case NewestFact() | WholeChain():
            raise TypeError(f"no one stream explains a row of {table.name}")
        case _:
            assert_never(table.source)
