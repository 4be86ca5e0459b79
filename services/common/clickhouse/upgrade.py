"""The tables on one engine, made when they are missing; a table that an earlier release made gets
the columns and the projections that tables.py has named since.
"""

from uuid import uuid4

import msgspec

from services.common.clickhouse.engine import Engine
from services.common.clickhouse.errors import EngineAway
from services.common.clickhouse.schema import (
    UUID_DAYS,
    Form,
    adding_column,
    adding_projection,
    keeping,
    materializing,
    projections,
    table_statements,
    ttl,
)
from services.common.clickhouse.tables import TABLES, TableProjection

_COLUMNS = "SELECT table, name FROM system.columns WHERE database = {database:String}"

_ENGINES = """
    SELECT name, engine
    FROM system.tables
    WHERE database = {database:String} AND name IN {tables:Array(String)}"""

_KEPT = """
    SELECT position(create_table_query, {ttl:String}) > 0
    FROM system.tables
    WHERE database = {database:String} AND name = {table:String}"""

_IS_KNOWN = """
    SELECT count() > 0
    FROM system.projections
    WHERE database = {database:String} AND table = {table:String} AND name = {name:String}"""

# Whatever is inserted from then on has it. A mutation that is not done goes on by itself.
_HAS_PARTS_WITHOUT = """
    SELECT count() > 0
    FROM system.parts
    WHERE database = {database:String} AND table = {table:String} AND active
        AND NOT has(projections, {name:String})
        AND NOT EXISTS (
            SELECT 1
            FROM system.mutations
            WHERE database = {database:String} AND table = {table:String} AND NOT is_done
        )"""

# Rows go when parts are merged, not in one sweep now.
_LATER = {"materialize_ttl_after_modify": 0}


class TablesMissing(EngineAway):
    """The tables of a replicated shard are not there, or not in that form."""


class Tables(msgspec.Struct, frozen=True):
    """The tables of one database, in their form. uuid_days: how long the uuids of stored events are
    kept; None: as they are.
    """

    database: str
    form: Form
    uuid_days: int | None = None

    async def bring_up_to_date(self, engine: Engine) -> None:
        """On one node: make those that are missing, and give older ones what they lack. Replicas
        are asked whether they have them: there `recount migrate` makes them, on each node. Raises
        EngineError.
        """
        if self.form.replicated:
            await self._check(engine)
        else:
            for statement in table_statements(self.form).values():
                await engine.command(statement, {}, {})
            await self.bring_changes(engine)
        if self.uuid_days is not None:
            await self._keep(engine, self.uuid_days)

    async def bring_changes(self, engine: Engine) -> None:
        """Give older tables what they lack; what is changed on one replica, all have."""
        await bring_columns(engine, self.database)
        await bring_projections(engine, self.database)
        if self.uuid_days is None:
            await self._keep(engine, UUID_DAYS, only_if_for_good=True)

    async def _check(self, engine: Engine) -> None:
        names = [table.name for table in TABLES]
        bound = {"database": self.database, "tables": names}
        rows = (await engine.query(_ENGINES, bound, str(uuid4()), {})).rows
        found: dict[str, str] = dict(rows)
        if missing := [name for name in names if name not in found]:
            raise TablesMissing(0, f"no table {missing[0]}: `recount migrate` makes it")
        if alone := [name for name, kind in found.items() if "Replicated" not in kind]:
            raise TablesMissing(
                0, f"the table {alone[0]} is on one node alone; see docs/clickhouse.md"
            )

    async def _keep(self, engine: Engine, days: int, only_if_for_good: bool = False) -> None:
        for table in TABLES:
            if table.kept_since is None:
                continue
            told = f"TTL {table.kept_since}" if only_if_for_good else ttl(table.kept_since, days)
            bound = {"database": self.database, "table": table.name, "ttl": told}
            ((so,),) = (await engine.query(_KEPT, bound, str(uuid4()), {})).rows
            if not so:
                await engine.command(keeping(table, days), {}, _LATER)


async def bring_columns(engine: Engine, database: str) -> None:
    """Rows that are there have the columns' defaults. Safe to repeat. Raises EngineError."""
    rows = (await engine.query(_COLUMNS, {"database": database}, str(uuid4()), {})).rows
    known = {(table, name) for table, name in rows}
    for table in TABLES:
        for column in table.columns:
            if (table.name, column.name) not in known:
                await engine.command(adding_column(table, column), {}, {})


async def bring_projections(engine: Engine, database: str) -> None:
    """Returns at once: parts that are there get them in the background, and until then their rows
    are read. Safe to repeat, side by side too, and after a process that died on the way.

    Raises EngineError.
    """
    for projection in projections():
        if not await _is(engine, _IS_KNOWN, database, projection):
            await engine.command(adding_projection(projection), {}, {})
        if await _is(engine, _HAS_PARTS_WITHOUT, database, projection):
            # chDB would wait for its end.
            await engine.command(materializing(projection), {}, {"mutations_sync": 0})


async def _is(engine: Engine, question: str, database: str, projection: TableProjection) -> bool:
    bound = {"database": database, "table": projection.table, "name": projection.name}
    ((answer,),) = (await engine.query(question, bound, str(uuid4()), {})).rows
    return bool(answer)
