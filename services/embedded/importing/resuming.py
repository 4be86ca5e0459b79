"""Remembers how far a file was imported, in the data folder that the events are in."""

import hashlib
import os
from pathlib import Path

import msgspec

from services.embedded.importing.import_options import ImportOptions


class ResumePoint(msgspec.Struct, frozen=True):
    """number: of the last row that was acknowledged. events: acknowledged up to there."""

    number: int = 0
    events: int = 0


class ResumeFile:
    """One file's place. Only saves work: from the start again, the same events are stored once."""

    def __init__(self, folder: Path, file: Path, token: str, reading: ImportOptions) -> None:
        found = file.stat()
        # Another file, or the same one changed, or read otherwise, starts from its first line.
        said = msgspec.structs.replace(reading, missing=frozenset())
        identity = (
            str(file.resolve()),
            found.st_size,
            found.st_mtime_ns,
            token,
            said,
            sorted(reading.missing),
        )
        digest = hashlib.sha256(msgspec.json.encode(identity, order="sorted")).hexdigest()[:32]
        self._path = folder / "imports" / digest

    def point(self) -> ResumePoint:
        """At the start when nothing was acknowledged."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ResumePoint)
        except (FileNotFoundError, msgspec.DecodeError):
            return ResumePoint()

    def reached(self, point: ResumePoint) -> None:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.json.encode(point))
        os.replace(unfinished, self._path)

    def finished(self) -> None:
        """Next time the file is read from its start."""
        self._path.unlink(missing_ok=True)
