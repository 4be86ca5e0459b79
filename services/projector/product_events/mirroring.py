"""Persons and groups copied to ClickHouse from PostgreSQL, whole: after an import or a restore."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection

from contracts.product_events import JsonObject, property_texts
from services.common.clickhouse import ClickHouse

AT_ONCE = 5_000

Conn = AsyncConnection[Any]

_object = msgspec.json.Decoder(JsonObject)
_OF: LiteralString = " WHERE %(team_id)s::bigint IS NULL OR team_id = %(team_id)s"
_IDS: LiteralString = (
    f"SELECT team_id, distinct_id, person_id, version FROM person_distinct_ids{_OF}"
)
_OVERRIDES: LiteralString = (
    f"SELECT team_id, person_id, target_id, version FROM person_overrides{_OF}"
)
_PERSONS: LiteralString = f"""
    SELECT team_id, person_id, properties, is_identified, created_at, version FROM persons{_OF}"""
_GROUPS: LiteralString = f"""
    SELECT team_id, group_type_index, group_key, properties, created_at, version FROM groups{_OF}"""


async def mirror_all(conn: Conn, clickhouse: ClickHouse, team_id: int | None = None) -> None:
    """team_id: of one project; None: of all. Safe to repeat. conn: in a transaction."""
    values = {"team_id": team_id}
    async for rows in _pages(conn, _PERSONS, values):
        await clickhouse.insert("persons", _records(rows, ("person_id",), is_person=True))
    async for rows in _pages(conn, _OVERRIDES, values):
        names = ("team_id", "person_id", "target_id", "version")
        await clickhouse.insert("person_overrides", _named(names, rows))
    async for rows in _pages(conn, _IDS, values):
        names = ("team_id", "distinct_id", "person_id", "version")
        await clickhouse.insert("person_distinct_ids", _named(names, rows))
    async for rows in _pages(conn, _GROUPS, values):
        keys = ("group_type_index", "group_key")
        await clickhouse.insert("groups", _records(rows, keys, is_person=False))


def _records(
    rows: Sequence[Sequence[Any]], keys: tuple[str, ...], *, is_person: bool
) -> dict[str, list[Any]]:
    after = len(keys) + 1
    columns = _named(("team_id", *keys), [row[:after] for row in rows])
    texts = [property_texts(_object.decode(row[after])) for row in rows]
    columns["properties"] = [column for column, _ in texts]
    columns["sent"] = [sent or column for column, sent in texts]
    if is_person:
        columns["is_identified"] = [row[after + 1] for row in rows]
        columns["deleted"] = [False] * len(rows)
    columns["created_at"] = [row[-2] for row in rows]
    columns["version"] = [row[-1] for row in rows]
    return columns


def _named(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))


async def _pages(
    conn: Conn, statement: LiteralString, values: dict[str, int | None]
) -> AsyncIterator[list[tuple[Any, ...]]]:
    async with conn.cursor(name="mirrored") as cursor:
        await cursor.execute(statement, values)
        while rows := await cursor.fetchmany(AT_ONCE):
            yield rows
