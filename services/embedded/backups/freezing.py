"""A copy of the engine's tables as they are at one moment: hard links, made in an instant.

Only the process that has the engine open can make them, so a command asks a serving one by a file
in the data folder, and finds the answer there.
"""

import shutil
import time
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from services.common.clickhouse import ClickHouse, EngineError, embedded_url
from services.common.clickhouse.statement import Statement
from services.common.tasks import every
from services.embedded.refusal import CannotStart

# Persons and groups are PostgreSQL's, and are copied from there again.
TABLES = ("events", "event_uuids")
# Letters alone: the engine writes other characters otherwise in the name of the folder.
NAME = "recount_backup"
LOOK_SECONDS = 0.2
# A merge may hold the table for a while; a server that is older than this never answers.
PATIENCE_SECONDS = 120.0

_WANTED = "freeze-wanted.json"
_FROZEN = "frozen.json"


class Wanted(msgspec.Struct, frozen=True):
    id: UUID


class Frozen(msgspec.Struct, frozen=True):
    """The answer to a wish. folders: table -> where its parts are, relative to the data folder.
    error: why there are none.
    """

    id: UUID
    folders: dict[str, str]
    error: str | None = None


async def keep_freezing(folder: Path) -> None:
    """Until cancelled: does what commands on the same folder wish for. folder: of the data."""
    forget(folder)
    await every(LOOK_SECONDS, lambda: _look(folder), away=(OSError, msgspec.DecodeError))


async def _look(folder: Path) -> None:
    wanted_path = folder / _WANTED
    if not wanted_path.exists():
        return
    wanted = msgspec.json.decode(wanted_path.read_bytes(), type=Wanted)
    try:
        async with await ClickHouse.open(embedded_url(folder / "chdb")) as clickhouse:
            answer = Frozen(wanted.id, await freeze(clickhouse, folder))
    except (EngineError, CannotStart) as cause:
        answer = Frozen(wanted.id, {}, str(cause))
    wanted_path.unlink(missing_ok=True)
    unfinished = folder / f"{_FROZEN}.unfinished"
    unfinished.write_bytes(msgspec.json.encode(answer))
    unfinished.rename(folder / _FROZEN)


async def freeze(clickhouse: ClickHouse, folder: Path) -> dict[str, str]:
    """Table -> where its parts are now, relative to the data folder. Raises EngineError, and
    CannotStart where the copy has not all there is.
    """
    forget(folder)
    found = {}
    for table in TABLES:
        ((count,),) = await clickhouse.query(Statement(f"SELECT count() FROM {table}", {}))
        await clickhouse.command(f"ALTER TABLE {table} FREEZE WITH NAME '{NAME}'")
        place = Path("chdb", "shadow", NAME, await store_of(clickhouse, table))
        if sum(map(rows_of, parts_of(folder / place))) < count:
            raise CannotStart(f"The engine's copy of {table} has not all of its {count:,} rows.")
        found[table] = str(place)
    return found


async def store_of(clickhouse: ClickHouse, table: str) -> Path:
    """The folder of a table's parts, relative to the engine's."""
    rows = await clickhouse.query(
        Statement(
            "SELECT toString(uuid) FROM system.tables"
            " WHERE database = currentDatabase() AND name = {name:String}",
            {"name": table},
        )
    )
    ((uuid,),) = rows
    return Path("store", str(uuid)[:3], str(uuid))


def asked(folder: Path) -> dict[str, str]:
    """The same, by the process that serves the folder. Raises CannotStart."""
    wanted = Wanted(uuid4())
    answer_path = folder / _FROZEN
    answer_path.unlink(missing_ok=True)
    unfinished = folder / f"{_WANTED}.unfinished"
    unfinished.write_bytes(msgspec.json.encode(wanted))
    unfinished.rename(folder / _WANTED)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer_path.exists():
            answer = msgspec.json.decode(answer_path.read_bytes(), type=Frozen)
            answer_path.unlink(missing_ok=True)
            if answer.id == wanted.id:
                if answer.error is not None:
                    raise CannotStart(f"The engine makes no copy of its tables: {answer.error}")
                return answer.folders
        time.sleep(LOOK_SECONDS)
    (folder / _WANTED).unlink(missing_ok=True)
    raise CannotStart(
        f"The server on {folder} did not answer within {PATIENCE_SECONDS:g} s. Is it of an older"
        " release? Stop it, and back up without it."
    )


def forget(folder: Path) -> None:
    """What an earlier copy has left: it keeps what was merged or erased since."""
    shutil.rmtree(folder / "chdb" / "shadow" / NAME, ignore_errors=True)


def parts_of(frozen: Path) -> list[Path]:
    """None where the table was empty."""
    if not frozen.exists():
        return []
    return sorted(path for path in frozen.iterdir() if path.is_dir())


def rows_of(part: Path) -> int:
    """As the engine keeps it beside a part's columns."""
    return int((part / "count.txt").read_text())
