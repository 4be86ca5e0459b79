"""Rows of a project that no fact holds, as lines of JSON: which there are, out and in again."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, LiteralString

import msgspec
from psycopg import sql
from psycopg.types.json import Json

from services.common.log.archiving import Conn

FETCH = 2_000
AT_ONCE = 500
TOKEN_BYTES = 24

Row = dict[str, Any]


def _as_it_is(row: Row) -> Row:
    return row


def _first_version(row: Row) -> Row:
    """Versions are numbers of messages, and those of another installation: what comes here is newer
    than all of it.
    """
    return row | {"version": 0}


def _new_token(row: Row) -> Row:
    return row | {"token": secrets.token_urlsafe(TOKEN_BYTES)}


def _gone(row: Row) -> Row:
    """Its place is one in another public stream, and whoever read on has no password here."""
    return row | {"gone_at": "now"}


class ArchivedTable(msgspec.Struct, frozen=True):
    """columns: without team_id and without secrets. numbers: `id` is one that no other project may
    have; such rows name their project, so they come in with it.
    """

    name: LiteralString
    columns: tuple[LiteralString, ...]
    order: LiteralString
    where: LiteralString = "true"
    numbers: bool = False
    brought: Callable[[Row], Row] = _as_it_is
    made: tuple[str, ...] = ()


def _numbered(
    name: LiteralString,
    *columns: LiteralString,
    where: LiteralString = "true",
    brought: Callable[[Row], Row] = _as_it_is,
    made: tuple[str, ...] = (),
) -> ArchivedTable:
    return ArchivedTable(name, ("id", *columns), "id", where, True, brought, made)


PLAIN = (
    ArchivedTable(
        "persons",
        ("person_id", "properties", "is_identified", "created_at"),
        "person_id",
        brought=_first_version,
        made=("version",),
    ),
    ArchivedTable(
        "person_distinct_ids",
        ("distinct_id", "person_id"),
        "distinct_id",
        brought=_first_version,
        made=("version",),
    ),
    ArchivedTable(
        "person_overrides",
        ("person_id", "target_id"),
        "person_id",
        brought=_first_version,
        made=("version",),
    ),
    ArchivedTable("group_types", ("group_type", "group_type_index"), "group_type_index"),
    ArchivedTable(
        "groups",
        ("group_type_index", "group_key", "properties", "created_at"),
        "group_type_index, group_key",
        brought=_first_version,
        made=("version",),
    ),
    # The trail of reads, as far as facts have sealed it: those facts are in the chain.
    ArchivedTable(
        "reads",
        (
            *("run", "n", "number", "at", "actor", "user_id", "key_id", "token_id", "unlocked"),
            *("surface", "what", "items", "insights", "as_of", "refresh", "status", "from_cache"),
            *("bytes", "ip", "client", "correlation_id", "salt", "commitment"),
        ),
        "number",
        where="number <= (SELECT max(last) FROM read_seals s WHERE s.team_id = t.team_id"
        " AND s.sequence IS NOT NULL)",
    ),
    ArchivedTable(
        "read_seals",
        ("first", "last", "root", "from_at", "to_at", "sequence"),
        "first",
        where="sequence IS NOT NULL",
    ),
    ArchivedTable(
        "read_expiries", ("through", "count", "sequence"), "through", where="sequence IS NOT NULL"
    ),
    ArchivedTable(
        "signed_checkpoints", ("size", "root", "note", "at", "witnesses", "kept"), "size"
    ),
)

NUMBERED = (
    _numbered("insight_ids", "short_id"),
    _numbered("dashboard_ids"),
    _numbered("action_ids"),
    _numbered("cohort_ids"),
    _numbered("hold_ids"),
    _numbered("share_tokens", "insight_id", "created_at", brought=_new_token, made=("token",)),
    _numbered("webhook_ids", "slot", "made_at"),
    _numbered("bus_consumer_ids", "key", brought=_gone, made=("gone_at",)),
    # One that is under way is no row to take elsewhere: export refuses.
    _numbered(
        "erasures",
        *("kind", "actor", "operation_id", "correlation_id", "asked", "state"),
        *("made_at", "told", "receipt"),
    ),
)

# Facts name numbers of these, whose rows are secrets: what is made later gets other ones.
SECRETS = ("share_passwords", "webhook_secrets", "bus_passwords")
TILES = "tile_ids"
_LAST_TILE = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tile_ids"


def rows_of(conn: Conn, table: ArchivedTable, team_id: int) -> Iterator[bytes]:
    """A line each. conn: in a transaction."""
    statement = sql.SQL(
        "SELECT row_to_json(r)::text FROM (SELECT {columns} FROM {table} t"
        " WHERE team_id = {team} AND {where} ORDER BY {order}) r"
    ).format(
        columns=_names(table.columns),
        table=sql.Identifier(table.name),
        team=sql.Literal(team_id),
        where=sql.SQL(table.where),
        order=sql.SQL(table.order),
    )
    with conn.cursor(name="rows") as cursor:
        cursor.itersize = FETCH
        cursor.execute(statement)
        for (text,) in cursor:
            yield text.encode() + b"\n"


def bring_in(conn: Conn, table: ArchivedTable, team_id: int, lines: Iterable[bytes]) -> None:
    """What is there already stays. conn: in a transaction."""
    columns = ("team_id", *table.columns, *table.made)
    overriding = "OVERRIDING SYSTEM VALUE" if table.numbers else ""
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) {overriding}"
        " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s) ON CONFLICT DO NOTHING"
    ).format(
        table=sql.Identifier(table.name),
        columns=_names(columns),
        overriding=sql.SQL(overriding),
    )
    kept: list[Row] = []
    for line in lines:
        kept.append(table.brought(msgspec.json.decode(line)) | {"team_id": team_id})
        if len(kept) == AT_ONCE:
            conn.execute(statement, (Json(kept, dumps=_dumps),))
            kept = []
    if kept:
        conn.execute(statement, (Json(kept, dumps=_dumps),))


def taken(conn: Conn, table: str, team_id: int, numbers: list[int]) -> list[int]:
    """Those of these numbers that other projects have."""
    rows = conn.execute(
        sql.SQL(
            "SELECT id FROM {} WHERE id = ANY(%s) AND team_id <> %s ORDER BY id LIMIT 5"
        ).format(sql.Identifier(table)),
        (numbers, team_id),
    )
    return [number for (number,) in rows.fetchall()]


def highest(conn: Conn, team_id: int) -> dict[str, int]:
    """Table -> the highest number of the project's rows in it; and the last tile there is."""
    found = {}
    for name in (*(table.name for table in NUMBERED), *SECRETS):
        row = conn.execute(
            sql.SQL("SELECT coalesce(max(id), 0) FROM {} WHERE team_id = %s").format(
                sql.Identifier(name)
            ),
            (team_id,),
        ).fetchone()
        found[name] = 0 if row is None else int(row[0])
    (last,) = conn.execute(_LAST_TILE).fetchone() or (0,)
    return {**found, TILES: int(last)}


def pass_over(conn: Conn, highest: Mapping[str, int]) -> None:
    """No number up to these is given to anything new."""
    known = {table.name for table in NUMBERED} | set(SECRETS) | {"users", "projects"}
    for name, number in highest.items():
        if name not in known | {TILES} or number < 1:
            continue
        sequence = (
            sql.SQL("'tile_ids'")
            if name == TILES
            else sql.SQL("pg_get_serial_sequence({}, 'id')").format(sql.Literal(name))
        )
        conn.execute(
            sql.SQL("SELECT setval({0}, greatest(%s, nextval({0})))").format(sequence),
            (number,),
        )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _dumps(rows: object) -> str:
    return msgspec.json.encode(rows).decode()
