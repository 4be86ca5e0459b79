"""A file's bytes: unpacked, and refused when they are no text and no Parquet."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from services.embedded.importing.faults import BadRecord, NotEvents

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# The bytes that show the file's format. An import goes on from the file's start.
HEAD: Final = 256 * 1024
PARQUET: Final = b"PAR1"

_Opener = Callable[[BinaryIO], Any]
_PACKED: Final[dict[bytes, tuple[str, _Opener]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"\x28\xb5\x2f\xfd": ("zstd", zstd.ZstdFile),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
}
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)
_SAVE_AS = "Save it as CSV, and import that."
_UNPACK = "Unpack it, and import what is inside."
_OTHERS: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", _SAVE_AS),
    (b"SQLite format 3\x00", "an SQLite database", "Export its table as CSV, and import that."),
    (b"%PDF", "a PDF", "Only tables of events can be imported."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or NDJSON, and import that."),
    (b"ORC", "an ORC file", "Write it as Parquet or NDJSON, and import that."),
    (b"ARROW1", "an Arrow file", "Write it as Parquet or NDJSON, and import that."),
    (b"FEA1", "a Feather file", "Write it as Parquet or NDJSON, and import that."),
)


class OpenFile:
    """An open file. total_bytes: as it lies on the disk, compressed or not."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Raises NotEvents for what can't hold events."""
        self.path = path
        self._file = file
        self._share: float | None = None
        self.total_bytes = path.stat().st_size
        if not file.seekable():
            raise NotEvents(f"{path} is not a plain file. Write what it gives to one, import that.")
        begins = file.read(8)
        self.packing: str = ""
        self._opener: _Opener | None = None
        for magic, (packing, opener) in _PACKED.items():
            if begins.startswith(magic):
                self.packing, self._opener = packing, opener
        file.seek(0)
        try:
            self.head = self.open().read(HEAD)
        except BadRecord as cause:
            raise NotEvents(f"{path} can't be unpacked ({self.packing}), {cause}") from cause
        _refuse_others(self)

    @property
    def read_bytes(self) -> int:
        if self._share is not None:
            return int(self.total_bytes * self._share)
        return self._file.tell()

    def report_read(self, share: float) -> None:
        """For readers that do not read through `open`. share: of the file, 0 to 1."""
        self._share = share

    @property
    def is_whole(self) -> bool:
        """Whether `head` is all there is."""
        return len(self.head) < HEAD

    @property
    def name(self) -> str:
        """Without the ending that says how it is packed, lower case."""
        name = self.path.name.lower()
        return name.rpartition(".")[0] if self.packing and "." in name else name

    def open(self) -> BinaryIO:
        """From the start, unpacked. One at a time."""
        self._file.seek(0)
        if self._opener is None:
            return self._file
        return cast(
            BinaryIO, io.BufferedReader(_UnpackedFile(self._opener(self._file), self.packing))
        )


class _UnpackedFile(io.RawIOBase):
    """Tells in words that what is packed is damaged or cut off."""

    def __init__(self, inner: Any, packing: str) -> None:
        self._inner = inner
        self._packing = packing
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._inner.read(len(buffer))
        except _DAMAGED as cause:
            where = f"after {self._read:,} bytes of text"
            reason = f"the {self._packing} file is damaged or cut off ({cause})"
            raise BadRecord(where, reason, is_last=True) from cause
        buffer[: len(data)] = data
        self._read += len(data)
        return len(data)


def _refuse_others(source: OpenFile) -> None:
    head = source.head
    if source.total_bytes == 0 or not head.strip():
        raise NotEvents(f"{source.path} is empty: there is nothing to import.")
    if head.startswith(b"PK\x03\x04"):
        is_book = source.name.endswith((".xlsx", ".xlsm")) or b"[Content_Types].xml" in head
        what = "an Excel workbook (.xlsx)" if is_book else "a ZIP archive"
        raise NotEvents(f"{source.path} is {what}. {_SAVE_AS if is_book else _UNPACK}")
    if head.startswith(PARQUET):
        if source.packing:
            raise NotEvents(f"{source.path} is a Parquet file in {source.packing}. {_UNPACK}")
        return
    for magic, what, advice in _OTHERS:
        if head.startswith(magic):
            raise NotEvents(f"{source.path} is {what}. {advice}")
    if head[257:262] == b"ustar":
        raise NotEvents(f"{source.path} is a tar archive. {_UNPACK}")
