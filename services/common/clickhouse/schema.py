"""The tables' DDL, for one node or for replicas. Plain ClickHouse SQL."""

from collections.abc import Iterable

import msgspec

from services.common.clickhouse.tables import TABLES, Column, Table, TableProjection

UUID_DAYS = 90
# Of replicas, which remember the token of an insert for an hour only, unless they are told.
_REMEMBERED_INSERTS = 10_000
_REMEMBERED_SECONDS = 30 * 86_400


class Form(msgspec.Struct, frozen=True):
    """In what form tables are made. replicated: as those of a shard of several replicas, each with
    the servers' own macros {shard} and {replica}. durable: whether rows survive a power cut once
    they are inserted.
    """

    replicated: bool = False
    durable: bool = True


ONE_NODE = Form()


def table_statements(form: Form = ONE_NODE) -> dict[str, str]:
    """Name -> CREATE statement, in the order of TABLES."""
    return {table.name: create(table, form) for table in TABLES}


def create(table: Table, form: Form) -> str:
    """The CREATE statement of one table."""
    columns = [_column(column) for column in table.columns]
    columns += [f"PROJECTION {definition(projection)}" for projection in table.projections]
    lines = [
        f"CREATE TABLE IF NOT EXISTS {table.name}",
        "(",
        ",\n".join(f"    {column}" for column in columns),
        ")",
        f"ENGINE = {_engine(table, form)}",
    ]
    if table.partition_by:
        lines.append(f"PARTITION BY {table.partition_by}")
    lines.append(f"ORDER BY ({', '.join(table.order_by)})")
    if table.kept_since:
        lines.append(f"TTL {ttl(table.kept_since, UUID_DAYS)}")
    lines.append(f"SETTINGS {', '.join(_settings(table, form))}")
    return "\n".join(lines)


def definition(projection: TableProjection) -> str:
    """As it stands after PROJECTION or ADD PROJECTION."""
    return f"{projection.name} ({projection.select})"


def ttl(kept_since: str, days: int) -> str:
    """As the engine shows it, too."""
    return f"{kept_since} + toIntervalDay({days})"


def column_types() -> dict[str, dict[str, str]]:
    """Table -> column -> type, so that an insert need not ask the engine for them."""
    return {table.name: {each.name: each.type for each in table.columns} for table in TABLES}


def projections() -> list[TableProjection]:
    return [projection for table in TABLES for projection in table.projections]


def adding_column(table: Table, column: Column) -> str:
    """For a table that was made before it had the column."""
    return f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {_column(column)}"


def adding_projection(projection: TableProjection) -> str:
    adding = f"ADD PROJECTION IF NOT EXISTS {definition(projection)}"
    return f"ALTER TABLE {projection.table} {adding}"


def materializing(projection: TableProjection) -> str:
    """Parts that are there get it, in the background."""
    return f"ALTER TABLE {projection.table} MATERIALIZE PROJECTION {projection.name}"


def keeping(table: Table, days: int) -> str:
    """Rows are kept so long from then on."""
    return f"ALTER TABLE {table.name} MODIFY TTL {ttl(table.kept_since or '', days)}"


def _column(column: Column) -> str:
    default = f" DEFAULT {column.default}" if column.default else ""
    codec = f" CODEC({column.codec})" if column.codec else ""
    return f"{column.name} {column.type}{default}{codec}"


def _engine(table: Table, form: Form) -> str:
    # The path is written out: a server's own has the table's uuid in it, so that a table on a node
    # that is added later would be another one, and replicate nothing.
    paths = [f"'/recount/{{shard}}/{table.name}'", "'{replica}'"] if form.replicated else []
    given = paths + ([table.version] if table.version else [])
    kind = f"{'Replicated' if form.replicated else ''}{'Replacing' if table.version else ''}"
    return f"{kind}MergeTree" + (f"({', '.join(given)})" if given else "")


def _settings(table: Table, form: Form) -> Iterable[str]:
    if table.index_granularity is not None:
        yield f"index_granularity = {table.index_granularity}"
    if table.remembered_inserts is not None and not form.replicated:
        yield f"non_replicated_deduplication_window = {table.remembered_inserts}"
    if table.remembered_inserts is not None and form.replicated:
        yield f"replicated_deduplication_window = {_REMEMBERED_INSERTS}"
        yield f"replicated_deduplication_window_seconds = {_REMEMBERED_SECONDS}"
    # The checkpoint that follows an insert is durable, so its rows must be too.
    yield f"fsync_after_insert = {int(form.durable)}"
    yield f"fsync_part_directory = {int(form.durable)}"
