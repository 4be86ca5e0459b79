"""Rows out of Parquet, read by the ClickHouse engine that `recount serve` computes with.

The engine is one of our own, in memory: a server's folder is never opened.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from services.embedded.importing.faults import BadRecord, NotEvents
from services.embedded.importing.import_options import FileRow
from services.embedded.importing.open_file import OpenFile

# In order, in small blocks, as JSON that says what the file says: numbers whole, times in UTC.
_SETTINGS: Final = (
    "max_threads = 2, max_block_size = 4096, preferred_block_size_bytes = 1000000,"
    " input_format_parquet_preserve_order = 1, session_timezone = 'UTC',"
    # A time without a zone has another type than an instant.
    " input_format_parquet_local_time_as_utc = 0,"
    " date_time_output_format = 'simple', output_format_json_quote_64bit_integers = 0,"
    " output_format_json_quote_denormals = 0, output_format_json_quote_decimals = 0,"
    " output_format_json_validate_utf8 = 1"
)


def of_file(source: OpenFile) -> Iterator[FileRow | BadRecord]:
    """A cell without a value is not there."""
    try:
        from chdb import session
    except ImportError as cause:
        raise NotEvents(
            f"{source.path} is a Parquet file, which chDB reads: pip install 'recount[embedded]'."
        ) from cause
    with tempfile.TemporaryDirectory(prefix="recount-parquet-") as folder:
        # A name of our own: the engine takes `*` and `{1..3}` in a name for several files.
        link = Path(folder) / "file.parquet"
        os.symlink(source.path.absolute(), link)
        engine: Any = session.Session(str(Path(folder) / "engine"))  # type: ignore[no-untyped-call]
        try:
            yield from _rows(engine, f"file({_quoted(str(link))}, Parquet)", source)
        finally:
            engine.close()


def _rows(engine: Any, table: str, source: OpenFile) -> Iterator[FileRow | BadRecord]:
    number = 0
    try:
        described = engine.query(f"DESCRIBE {table} SETTINGS {_SETTINGS}", "JSONEachRow").bytes()
        count = engine.query(f"SELECT count() AS rows FROM {table}", "JSONEachRow").bytes()
        total = msgspec.json.decode(count)["rows"]
        columns = ", ".join(_column(msgspec.json.decode(one)) for one in described.splitlines())
        statement = f"SELECT {columns} FROM {table} SETTINGS {_SETTINGS}"
        for chunk in engine.send_query(statement, "JSONEachRow"):
            for line in chunk.bytes().splitlines():
                number += 1
                values: dict[str, object] = msgspec.json.decode(line)
                present = {name: value for name, value in values.items() if value is not None}
                yield FileRow(number, f"row {number:,}", present)
            source.report_read(number / total)
    except RuntimeError as cause:
        # The engine's errors have no class of their own. Its first line says what is wrong.
        reason = str(cause).partition("\n")[0][:300]
        if number == 0:
            raise NotEvents(f"{source.path} can't be read as Parquet: {reason}") from cause
        yield BadRecord(f"row {number + 1:,}", f"can't be read: {reason}", is_last=True)


def _column(described: dict[str, str]) -> str:
    """An instant says that it is UTC's; a time without a zone stays without."""
    name = "`" + described["name"].replace("\\", "\\\\").replace("`", "\\`") + "`"
    if "DateTime" in described["type"] and "'UTC'" in described["type"]:
        return f"concat(toString({name}), 'Z') AS {name}"
    return name


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
