"""The tables, made when they are missing; a table that an earlier release made gets the columns and
the projections that tables.py has named since.
"""

from uuid import uuid4

import msgspec

from services.common.clickhouse.engine import Engine
from services.common.clickhouse.schema import (
    adding_column,
    definition,
    on_cluster,
    projections,
    table_statements,
)
from services.common.clickhouse.tables import TABLES, TableProjection

_COLUMNS = "SELECT table, name FROM system.columns WHERE database = {database:String}"

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


class Tables(msgspec.Struct, frozen=True):
    """The tables of one database. cluster: under which they are replicated; None: on one node.
    durable: whether they survive a power cut.
    """

    database: str
    cluster: str | None
    durable: bool

    async def bring_up_to_date(self, engine: Engine) -> None:
        """Make those that are missing; give older ones what they lack. Raises EngineError."""
        for statement in table_statements(self.cluster, self.durable).values():
            await engine.command(statement, {}, {})
        await bring_columns(engine, self.database, self.cluster)
        await bring_projections(engine, self.database, self.cluster)


async def bring_columns(engine: Engine, database: str, cluster: str | None) -> None:
    """Rows that are there have the columns' defaults. Safe to repeat. Raises EngineError."""
    rows = (await engine.query(_COLUMNS, {"database": database}, str(uuid4()), {})).rows
    known = {(table, name) for table, name in rows}
    for table in TABLES:
        for column in table.columns:
            if (table.name, column.name) not in known:
                await engine.command(adding_column(table, column, cluster), {}, {})


async def bring_projections(engine: Engine, database: str, cluster: str | None) -> None:
    """Returns at once: parts that are there get them in the background, and until then their rows
    are read. Safe to repeat, side by side too, and after a process that died on the way.

    Raises EngineError.
    """
    for projection in projections():
        if not await _is(engine, _IS_KNOWN, database, projection):
            await engine.command(adding(projection, cluster), {}, {})
        if await _is(engine, _HAS_PARTS_WITHOUT, database, projection):
            # chDB would wait for its end.
            await engine.command(materializing(projection, cluster), {}, {"mutations_sync": 0})


def adding(projection: TableProjection, cluster: str | None) -> str:
    return f"{_alter(projection, cluster)} ADD PROJECTION IF NOT EXISTS {definition(projection)}"


def materializing(projection: TableProjection, cluster: str | None) -> str:
    return f"{_alter(projection, cluster)} MATERIALIZE PROJECTION {projection.name}"


def _alter(projection: TableProjection, cluster: str | None) -> str:
    return f"ALTER TABLE {projection.table}{on_cluster(cluster)}"


async def _is(engine: Engine, question: str, database: str, projection: TableProjection) -> bool:
    bound = {"database": database, "table": projection.table, "name": projection.name}
    ((answer,),) = (await engine.query(question, bound, str(uuid4()), {})).rows
    return bool(answer)
