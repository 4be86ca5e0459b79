"""The spool's files: `<run>-1.ndjson` and `-2`. One takes lines while the other one is inserted.

A file is locked as long as its process lives (flock), so that a dead process's is told from a
living one's. What stands in it is on its way to PostgreSQL; what is there is cut away.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from services.query.reads_trail.lines import SpooledRead, is_whole, parsed

# More than these are read from the file again, or an outage of hours would fill the memory.
KEPT_IN_MEMORY = 10_000


class Segment:
    """bytes: written, and not cut away. last: the n of its last line; 0 when it is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._kept: list[SpooledRead] | None = []
        self.bytes = 0
        self.last = 0

    def write(self, lines: list[SpooledRead]) -> None:
        """All of them or none. Raises OSError."""
        text = b"".join([each.line for each in lines])
        written = 0
        try:
            while written < len(text):
                written += os.write(self._file, text[written:])
        except OSError:
            os.ftruncate(self._file, self.bytes)
            raise
        self.bytes += len(text)
        self.last = lines[-1].n
        if self._kept is not None:
            self._kept += lines
            if len(self._kept) > KEPT_IN_MEMORY:
                self._kept = None

    def lines(self) -> Iterator[SpooledRead]:
        return iter(self._kept) if self._kept is not None else whole_lines(self._path)

    def cut(self) -> None:
        os.ftruncate(self._file, 0)
        self._kept = []
        self.bytes = self.last = 0

    def close(self) -> None:
        """The file goes when nothing waits in it any more; else it is the next process's."""
        if not self.bytes:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def whole_lines(path: Path) -> Iterator[SpooledRead]:
    """Without those that can't be read: `unreadable` counts them."""
    with path.open("rb") as file:
        for line in file:
            if is_whole(line) and (found := parsed(line)) is not None:
                yield found


def unreadable(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if is_whole(line) and parsed(line) is None)


@contextlib.contextmanager
def left_behind(path: Path) -> Iterator[bool]:
    """Whether the file's process is dead, and the file ours as long as the block runs."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            # Who had the lock before us may have taken the lines, and the name with them.
            yield path.exists()
    finally:
        os.close(file)


def run_of(path: Path) -> UUID | None:
    """The run whose file it is; None for a file that is none of ours."""
    try:
        return UUID(path.stem.rpartition("-")[0])
    except ValueError:
        return None
