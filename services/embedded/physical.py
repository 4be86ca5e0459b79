"""The last step of an erasure: its bytes go from the disk, too, and are looked for there.

PostgreSQL keeps the old versions of rows in their pages, in indexes, in statistics and in its
write-ahead log until something is written over them. So every table is written anew, segments of
the log are used up and thrown away, and then every file of the data folder is read.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg

BLOCK = 4 * 1024 * 1024
# ClickHouse keeps parts that it has replaced for so long, and looks now and then.
PARTS_GO_SECONDS = 600.0
LOOK_SECONDS = 5.0

OnStep = Callable[[str, int, int], None]
"""Told what is done, how far it is, and how far it goes."""

VACUUM: LiteralString = "VACUUM (FULL, ANALYZE)"
_RECYCLE: LiteralString = "SHOW wal_recycle"
_SEGMENTS: LiteralString = "SELECT count(*) FROM pg_ls_waldir()"
# An empty segment would not be switched away from.
_SWITCH: tuple[LiteralString, ...] = (
    "SELECT pg_logical_emit_message(false, 'recount', 'erased')",
    "SELECT pg_switch_wal()",
)
COMMANDS = f"{VACUUM}; SELECT pg_switch_wal(); CHECKPOINT; CHECKPOINT;"
"""What whoever runs PostgreSQL elsewhere does, before looking through its files."""


def rewrite(url: str, on_step: OnStep) -> None:
    """Needs a superuser. The log waits while its table is written anew."""
    with psycopg.connect(url, autocommit=True) as conn:
        on_step("tables", 0, 1)
        # Statistics quote values: they are made anew first, and then the old ones go.
        conn.execute("ANALYZE")
        conn.execute(VACUUM)
        on_step("tables", 1, 1)
        (recycles,) = conn.execute(_RECYCLE).fetchone() or ("on",)
        conn.execute("ALTER SYSTEM SET wal_recycle = off")
        try:
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("CHECKPOINT")
            # Segments that were put aside to be used again still have what was in them.
            (segments,) = conn.execute(_SEGMENTS).fetchone() or (0,)
            for number in range(segments + 1):
                on_step("write-ahead log", number, segments + 1)
                for statement in _SWITCH:
                    conn.execute(statement)
            for _ in range(2):
                conn.execute("CHECKPOINT")
            on_step("write-ahead log", segments + 1, segments + 1)
        finally:
            if recycles == "on":
                conn.execute("ALTER SYSTEM RESET wal_recycle")
                conn.execute("SELECT pg_reload_conf()")


def search(folder: Path, texts: Sequence[str], on_step: OnStep) -> list[Path]:
    """Files that have one of the texts, in capitals or not, or as JSON escapes it.

    Parts of ClickHouse that are replaced are waited for.
    """
    wanted = spelled(texts)
    deadline = time.monotonic() + PARTS_GO_SECONDS
    found = _with(folder, wanted, on_step)
    while found and all(_is_part(folder, path) for path in found):
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_SECONDS)
        found = [path for path in found if _has(path, wanted)]
    return found


def spelled(texts: Sequence[str]) -> list[bytes]:
    """In small letters, as they are looked for."""
    found = {text.encode().lower() for text in texts}
    found |= {json.dumps(text)[1:-1].encode().lower() for text in texts}
    return sorted(found)


def _with(folder: Path, wanted: Sequence[bytes], on_step: OnStep) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = []
    for number, path in enumerate(files):
        on_step("files", number, len(files))
        if _has(path, wanted):
            found.append(path)
    on_step("files", len(files), len(files))
    return found


def _is_part(folder: Path, path: Path) -> bool:
    return path.relative_to(folder).parts[0] == "chdb"


def _has(path: Path, wanted: Sequence[bytes]) -> bool:
    """A file that is gone by now has nothing."""
    longest = max(map(len, wanted))
    kept = b""
    try:
        for block in _blocks(path):
            piece = kept + block.lower()
            if any(each in piece for each in wanted):
                return True
            kept = piece[-longest:]
    except FileNotFoundError:
        pass
    return False


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
