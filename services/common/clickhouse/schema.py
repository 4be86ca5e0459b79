"""The tables' DDL, for one engine or for all hosts of a cluster. Plain ClickHouse SQL."""

from collections.abc import Iterable

from services.common.clickhouse.tables import TABLES, Column, Table, TableProjection


def table_statements(cluster: str | None = None, durable: bool = True) -> dict[str, str]:
    """Name -> CREATE statement, in the order of TABLES.

    cluster: made on all its hosts and replicated between them, under the paths that the servers'
    own macros give. durable: whether rows survive a power cut once they are inserted.
    """
    return {table.name: create(table, cluster, durable) for table in TABLES}


def create(table: Table, cluster: str | None, durable: bool) -> str:
    """The CREATE statement of one table."""
    columns = [_column(column) for column in table.columns]
    columns += [f"PROJECTION {definition(projection)}" for projection in table.projections]
    lines = [
        f"CREATE TABLE IF NOT EXISTS {table.name}{on_cluster(cluster)}",
        "(",
        ",\n".join(f"    {column}" for column in columns),
        ")",
        f"ENGINE = {_engine(table, cluster)}",
    ]
    if table.partition_by:
        lines.append(f"PARTITION BY {table.partition_by}")
    lines.append(f"ORDER BY ({', '.join(table.order_by)})")
    lines.append(f"SETTINGS {', '.join(_settings(table, cluster, durable))}")
    return "\n".join(lines)


def definition(projection: TableProjection) -> str:
    """As it stands after PROJECTION or ADD PROJECTION."""
    return f"{projection.name} ({projection.select})"


def on_cluster(cluster: str | None) -> str:
    """The clause with which DDL reaches all hosts; empty for one engine."""
    return f" ON CLUSTER `{cluster}`" if cluster else ""


def column_types() -> dict[str, dict[str, str]]:
    """Table -> column -> type, so that an insert need not ask the engine for them."""
    return {table.name: {each.name: each.type for each in table.columns} for table in TABLES}


def projections() -> list[TableProjection]:
    return [projection for table in TABLES for projection in table.projections]


def adding_column(table: Table, column: Column, cluster: str | None) -> str:
    """For a table that was made before it had the column."""
    alter = f"ALTER TABLE {table.name}{on_cluster(cluster)}"
    return f"{alter} ADD COLUMN IF NOT EXISTS {_column(column)}"


def _column(column: Column) -> str:
    default = f" DEFAULT {column.default}" if column.default else ""
    codec = f" CODEC({column.codec})" if column.codec else ""
    return f"{column.name} {column.type}{default}{codec}"


def _engine(table: Table, cluster: str | None) -> str:
    replicated = "Replicated" if cluster else ""
    if table.version is None:
        return f"{replicated}MergeTree"
    return f"{replicated}ReplacingMergeTree({table.version})"


def _settings(table: Table, cluster: str | None, durable: bool) -> Iterable[str]:
    if table.index_granularity is not None:
        yield f"index_granularity = {table.index_granularity}"
    if table.remembered_inserts is not None:
        # Replicated tables remember tokens by themselves; plain ones need a setting.
        window = f"{'' if cluster else 'non_'}replicated_deduplication_window"
        yield f"{window} = {table.remembered_inserts}"
    # The checkpoint that follows an insert is durable, so its rows must be too.
    yield f"fsync_after_insert = {int(durable)}"
    yield f"fsync_part_directory = {int(durable)}"
