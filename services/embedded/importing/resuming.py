"""Remembers how far a file was imported, in the data folder that the events are in."""

import hashlib
import os
from pathlib import Path

import msgspec

from services.embedded.importing.records import Mapped


class Resuming:
    """One file's place. Only saves work: from the start again, the same events are stored once."""

    def __init__(self, folder: Path, file: Path, token: str, mapped: Mapped) -> None:
        found = file.stat()
        # Another file, or the same one changed, or read otherwise, starts from its first line.
        identity = (str(file.resolve()), found.st_size, found.st_mtime_ns, token, mapped)
        digest = hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:32]
        self._path = folder / "imports" / digest

    def line(self) -> int:
        """The last line that was acknowledged; 0 when none was."""
        try:
            return int(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def reached(self, line: int) -> None:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(str(line))
        os.replace(unfinished, self._path)

    def finished(self) -> None:
        """Next time the file is read from its start."""
        self._path.unlink(missing_ok=True)
