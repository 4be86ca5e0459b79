"""A projection's rows in a schema of their own, and how they take the place of the live ones."""

from typing import Any

from psycopg.sql import SQL, Composed, Identifier

from services.projector import checkpoint
from services.projector.checkpoint import Connection
from services.projector.projection import Projection, ProjectionTable

KEPT = "kept"
"""Of the schemas with the rows from before a rebuild."""


class OtherRows:
    """A projection's tables, its checkpoint and parked streams, in the schema `<prefix>_<name>`."""

    def __init__(self, projection: Projection[Any], home: str, prefix: str) -> None:
        self.projection = projection
        self.home = home
        self.schema = f"{prefix}_{projection.name}"

    def live(self, table: str) -> Identifier:
        return Identifier(self.home, table)

    def new(self, table: str) -> Identifier:
        return Identifier(self.schema, table)

    async def make(self, conn: Connection) -> None:
        """Empty tables like the live ones; a name without a schema means them from now on."""
        await self._make_tables(conn, SQL("CREATE UNLOGGED TABLE {} (LIKE {} INCLUDING ALL)"))
        await drop_indexes_of_readers(conn, self.schema)
        await conn.execute(
            SQL("INSERT INTO {} (projection) VALUES (%s)").format(self.new("checkpoints")),
            (self.projection.name,),
        )
        await conn.execute(
            SQL("SET search_path TO {}, {}").format(Identifier(self.schema), Identifier(self.home))
        )

    async def keep(self, conn: Connection) -> None:
        """A copy of the live rows as they are."""
        await self._make_tables(conn, SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)"))
        for table in self.projection.tables:
            await conn.execute(
                SQL("INSERT INTO {} SELECT * FROM {}").format(
                    self.new(table.name), self.live(table.name)
                )
            )
        for name in ("checkpoints", "parked_streams"):
            await conn.execute(
                SQL("INSERT INTO {} SELECT * FROM {} WHERE projection = %s").format(
                    self.new(name), self.live(name)
                ),
                (self.projection.name,),
            )

    async def reached(self, conn: Connection) -> int | None:
        """The position of these rows; None: there are none."""
        found = await conn.execute("SELECT to_regnamespace(%s) IS NOT NULL", (self.schema,))
        if await found.fetchone() != (True,):
            return None
        rows = await conn.execute(SQL("SELECT position FROM {}").format(self.new("checkpoints")))
        row = await rows.fetchone()
        return None if row is None else int(row[0])

    async def fit(self, conn: Connection) -> bool:
        """Whether these tables have the columns of the live ones, so that neither was made by
        another version.
        """
        names = [table.name for table in self.projection.tables]
        found = await conn.execute(
            "SELECT count(DISTINCT columns) FROM ("
            "SELECT array_agg((t.relname, a.attname, a.atttypid)::text"
            " ORDER BY t.relname, a.attnum) AS columns"
            " FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid"
            " JOIN pg_namespace n ON n.oid = t.relnamespace"
            " WHERE n.nspname IN (%s, %s) AND t.relname = ANY(%s) AND a.attnum > 0"
            " AND NOT a.attisdropped GROUP BY n.nspname) AS tables",
            (self.schema, self.home, names),
        )
        return await found.fetchone() == (1,)

    async def _make_tables(self, conn: Connection, statement: SQL) -> None:
        await self.drop(conn)
        await conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(self.schema)))
        owned = [table.name for table in self.projection.tables]
        for name in (*owned, "checkpoints", "parked_streams"):
            await conn.execute(statement.format(self.new(name), self.live(name)))

    async def drop(self, conn: Connection) -> None:
        await conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(self.schema)))


async def drop_indexes_of_readers(conn: Connection, schema: str) -> None:
    """All but the unique ones: a fold looks its rows up by keys alone, and nobody else looks
    there. Half of what an entry of activity costs the server are those.
    """
    found = await conn.execute(
        "SELECT i.indexrelid::regclass::text FROM pg_index i"
        " JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
        " WHERE n.nspname = %s AND NOT i.indisunique",
        (schema,),
    )
    for (index,) in await found.fetchall():
        await conn.execute(SQL("DROP INDEX {}").format(SQL(index)))


async def hold(conn: Connection, other: OtherRows) -> int:
    """The live checkpoint's position; nobody moves the live rows until the transaction ends."""
    cursor = await conn.execute(
        SQL("SELECT position FROM {} WHERE projection = %s FOR UPDATE").format(
            other.live("checkpoints")
        ),
        (other.projection.name,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"projection {other.projection.name!r} has no checkpoint")
    return int(row[0])


async def exchange(conn: Connection, other: OtherRows) -> tuple[int, int]:
    """Makes the live rows the other ones; how many were removed and written. A changed row counts
    in both.
    """
    removed = written = 0
    for table in other.projection.tables:
        gone = await conn.execute(_remove(other, table, await _columns(conn, other, table)))
        came = await conn.execute(_write(other, table))
        removed, written = removed + gone.rowcount, written + came.rowcount
    return removed, written


def _remove(other: OtherRows, table: ProjectionTable, columns: Composed) -> Composed:
    """Live rows that are not the same among the new ones."""
    return SQL(
        "DELETE FROM {live} AS live WHERE NOT EXISTS ("
        "SELECT FROM {new} AS new WHERE {same_key} AND {columns})"
    ).format(
        live=other.live(table.name),
        new=other.new(table.name),
        same_key=_same_key(table),
        columns=columns,
    )


async def _columns(conn: Connection, other: OtherRows, table: ProjectionTable) -> Composed:
    """That all columns are the same, one by one: as texts, whole rows take three times as long."""
    found = await conn.execute(
        "SELECT a.attname, a.atttypid = 'json'::regtype FROM pg_attribute a"
        " JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
        " WHERE n.nspname = %s AND t.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (other.home, table.name),
    )
    # json has no equality of its own.
    return SQL(" AND ").join(
        SQL(
            "new.{0}::text IS NOT DISTINCT FROM live.{0}::text"
            if is_json
            else "new.{0} IS NOT DISTINCT FROM live.{0}"
        ).format(Identifier(name))
        for name, is_json in await found.fetchall()
    )


def _write(other: OtherRows, table: ProjectionTable) -> Composed:
    return SQL(
        "INSERT INTO {live} SELECT * FROM {new} AS new WHERE NOT EXISTS ("
        "SELECT FROM {live} AS live WHERE {same_key})"
    ).format(live=other.live(table.name), new=other.new(table.name), same_key=_same_key(table))


def _same_key(table: ProjectionTable) -> Composed:
    return SQL(" AND ").join(
        SQL("new.{column} = live.{column}").format(column=Identifier(column))
        for column in table.key
    )


async def move_parked(conn: Connection, other: OtherRows) -> int:
    """Replaces the parked streams: a newer version of the code may read some that an older one
    could not.
    """
    await conn.execute(
        SQL("DELETE FROM {} WHERE projection = %s").format(other.live("parked_streams")),
        (other.projection.name,),
    )
    moved = await conn.execute(
        SQL("INSERT INTO {} SELECT * FROM {}").format(
            other.live("parked_streams"), other.new("parked_streams")
        )
    )
    return moved.rowcount


async def move(conn: Connection, other: OtherRows, position: int) -> None:
    """The live checkpoint stands there now, with other rows."""
    await conn.execute(
        SQL(
            "UPDATE {} SET position = %(position)s, rebuilds = rebuilds + 1"
            " WHERE projection = %(projection)s"
        ).format(other.live("checkpoints")),
        {"position": position, "projection": other.projection.name},
    )
    await checkpoint.ring(conn, other.projection.name)


async def forget_kept(conn: Connection, projection: Projection[Any]) -> None:
    """What is erased goes from the rows that an earlier rebuild kept, too: all of them go."""
    schema = Identifier(f"{KEPT}_{projection.name}")
    await conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
