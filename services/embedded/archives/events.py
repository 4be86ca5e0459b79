"""Product events as Parquet, a file for each month, written and read by the engine itself.

So memory holds a row group and no more. The engine is chDB: it shares our files.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement

# Times and ids as text or numbers: whatever reads Parquet has those, and they come back exactly.
_SELECT = """
    SELECT e.event AS event, toUnixTimestamp64Micro(e.timestamp) AS timestamp,
        toString(e.uuid) AS uuid, e.distinct_id AS distinct_id, toString(e.person_id) AS person_id,
        e.session_id AS session_id, e.group_0 AS group_0, e.group_1 AS group_1,
        e.group_2 AS group_2, e.group_3 AS group_3, e.group_4 AS group_4,
        toString(e.properties) AS properties,
        if(empty(e.sent), toString(e.properties), e.sent) AS sent,
        toUnixTimestamp64Micro(e.inserted_at) AS inserted_at
    FROM events AS e
    WHERE e.team_id = {team_id:Int64} AND toYYYYMM(e.timestamp) = {month:UInt32}"""
_WRITE_SETTINGS = (
    "engine_file_truncate_on_insert = 1, output_format_parquet_row_group_size = 20000,"
    " output_format_parquet_string_as_string = 1,"
    " output_format_parquet_compression_method = 'zstd',"
    " max_threads = 1, max_insert_threads = 1, max_block_size = 8192,"
    " min_insert_block_size_rows = 20000, min_insert_block_size_bytes = 16000000"
)
_COLUMNS = (
    "team_id, event, timestamp, uuid, distinct_id, person_id, session_id,"
    " group_0, group_1, group_2, group_3, group_4, properties, sent, inserted_at, sequence"
)
# sequence 0: no message of the stream here brought it.
_READ = """
    SELECT {team_id}, event, fromUnixTimestamp64Micro(timestamp, 'UTC'), toUUID(uuid), distinct_id,
        toUUID(person_id), session_id, group_0, group_1, group_2, group_3, group_4, properties,
        if(sent = properties, '', sent), fromUnixTimestamp64Micro(inserted_at, 'UTC'), 0
    FROM {file}"""
# A block is not taken for the repetition of one that was deleted.
_READ_SETTINGS = (
    "insert_deduplicate = 0, async_insert = 0, max_threads = 1, max_insert_threads = 1,"
    " input_format_try_infer_dates = 0, input_format_try_infer_datetimes = 0,"
    " max_partitions_per_insert_block = 0, max_block_size = 8192,"
    " input_format_parquet_memory_high_watermark = 134217728,"
    " input_format_parquet_enable_row_group_prefetch = 0,"
    " min_insert_block_size_rows = 20000, min_insert_block_size_bytes = 16000000"
)


async def months(clickhouse: ClickHouse, team_id: int) -> list[tuple[int, int]]:
    """Month, as 202611, and how many events it has; in order."""
    rows = await clickhouse.query(
        Statement(
            "SELECT toYYYYMM(timestamp) AS month, count() FROM events"
            " WHERE team_id = {team_id:Int64} GROUP BY month ORDER BY month",
            {"team_id": team_id},
        )
    )
    return [(int(month), int(count)) for month, count in rows]


async def write_month(clickhouse: ClickHouse, team_id: int, month: int, path: Path) -> None:
    """Writes the file."""
    with _reachable(path) as file:
        await clickhouse.command(
            f"INSERT INTO FUNCTION {file} {_SELECT} SETTINGS {_WRITE_SETTINGS}",
            {"team_id": team_id, "month": month},
        )


async def read_month(clickhouse: ClickHouse, team_id: int, month: int, path: Path) -> None:
    """The month as the file has it, whatever an earlier try has left of it. Safe to repeat."""
    team = str(int(team_id))
    with _reachable(path) as file:
        await clickhouse.command(
            "ALTER TABLE events DELETE WHERE team_id = {team_id:Int64}"
            " AND toYYYYMM(timestamp) = {month:UInt32} SETTINGS mutations_sync = 2",
            {"team_id": team_id, "month": month},
        )
        await clickhouse.command(
            "ALTER TABLE event_uuids DELETE WHERE team_id = {team_id:Int64}"
            f" AND uuid IN (SELECT toUUID(uuid) FROM {file}) SETTINGS mutations_sync = 2",
            {"team_id": team_id},
        )
        await clickhouse.command(
            f"INSERT INTO events ({_COLUMNS})"
            f" SETTINGS {_READ_SETTINGS} {_READ.format(team_id=team, file=file)}"
        )
        await clickhouse.command(
            f"INSERT INTO event_uuids (team_id, uuid, sequence) SETTINGS {_READ_SETTINGS}"
            f" SELECT {team}, toUUID(uuid), 0 FROM {file}"
        )


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """The file as the engine names it: by a link of our own, as it takes `*` and `{1..3}` in a name
    for several files.
    """
    with tempfile.TemporaryDirectory(prefix="recount-parquet-") as folder:
        link = Path(folder) / "file.parquet"
        link.symlink_to(path.absolute())
        yield f"file('{link}', Parquet)"
