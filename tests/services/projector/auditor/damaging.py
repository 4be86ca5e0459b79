"""Ways to damage a row of any table, made of what the database says of its columns."""

import json
from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct
from psycopg.sql import SQL, Composed, Identifier, Literal

from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from services.projector.app import projections
from services.projector.projection import ProjectionTable
from tests.examples import TEAM, created
from tests.services.projector.projecting import Projecting, insight
from tests.services.projector.read_models.test_projections import EVERY_KIND, WEBHOOK

TABLES = [table for projection in projections() for table in projection.tables]

# A second row for every table, and a table that EVERY_KIND leaves empty.
FACTS: list[tuple[Stream[DomainEvent], DomainEvent]] = [
    *EVERY_KIND,
    *((Stream(StreamKind.WEBHOOK, TEAM, 3), event) for event in WEBHOOK),
    (insight(8), created(insight_id=8, short_id="second00")),
]

# Of each type a value that no row has.
_OTHER: Mapping[str, object] = {
    "bigint": 987_654,
    "integer": 987_654,
    "smallint": 3,
    "text": "zzzzzzzz",
    "boolean": None,
    "uuid": str(UUID(int=987_654)),
    "json": {"other": 1},
    "ARRAY": [],
    "timestamp with time zone": "1999-01-01T00:00:00Z",
    "bytea": "\\x00",
}


class Column(Struct, frozen=True):
    name: str
    type: str


async def columns(projector: Projecting, table: ProjectionTable) -> list[Column]:
    rows = await projector.rows(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = %s AND table_schema = 'public' ORDER BY ordinal_position",
        table.name,
    )
    return [Column(row["column_name"], row["data_type"]) for row in rows]


def first_row(table: ProjectionTable) -> Composed:
    return SQL("ctid = (SELECT ctid FROM {} ORDER BY {} LIMIT 1)").format(
        Identifier(table.name), SQL(", ").join(map(Identifier, table.key))
    )


def deleted(table: ProjectionTable) -> Composed:
    return SQL("DELETE FROM {} WHERE {}").format(Identifier(table.name), first_row(table))


def altered(table: ProjectionTable, column: Column) -> Composed:
    """One column of one row."""
    name = Identifier(column.name)
    other = SQL("NOT {}").format(name) if column.type == "boolean" else _literal(column)
    return SQL("UPDATE {} SET {} = {} WHERE {}").format(
        Identifier(table.name), name, other, first_row(table)
    )


def invented(table: ProjectionTable, changed: list[Column]) -> Composed:
    """A copy of a row, but for these columns."""
    changes = {column.name: _OTHER[column.type] for column in changed}
    return SQL(
        "INSERT INTO {table} SELECT (jsonb_populate_record(known, {changes}::jsonb)).*"
        " FROM {table} AS known WHERE {first}"
    ).format(
        table=Identifier(table.name), changes=Literal(json.dumps(changes)), first=first_row(table)
    )


def _literal(column: Column) -> Composed:
    if column.type == "ARRAY":
        return SQL("'{{}}'").format()
    if column.type == "json":
        return SQL("'{{\"other\": 1}}'").format()
    return SQL("{}").format(Literal(_OTHER[column.type]))
