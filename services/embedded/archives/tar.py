"""The file of an archive: members one after the other, each with its digest; then the manifest."""

import hashlib
import io
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from contracts.archives import FORMAT, MANIFEST, ArchiveManifest, ArchiveMember
from services.embedded.refusal import CannotStart

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Lines are gathered to so many bytes, which are held in memory, and are then a member.
MEMBER_BYTES = 4 * 1024 * 1024
_BLOCK = 1024 * 1024
# A manifest names a member for each month and each four megabytes.
_MOST_MANIFEST_BYTES = 64 * 1024 * 1024

OnBytes = Callable[[int], None]
"""Told how many bytes of the file have been read."""


class NoArchive(CannotStart):
    """The file is not a whole archive of a project."""


class ArchiveWriter:
    """members: what has been written."""

    def __init__(self, tar: tarfile.TarFile, folder: Path) -> None:
        self.members: list[ArchiveMember] = []
        self.folder = folder
        self._tar = tar

    def lines(self, name: str, lines: Iterator[bytes]) -> int:
        """Members of lines, each as large as MEMBER_BYTES; how many lines there were. None: no
        member. name: with a place for the member's number.
        """
        kept, size, count, number = [], 0, 0, 0
        for line in lines:
            kept.append(line)
            size += len(line)
            count += 1
            if size >= MEMBER_BYTES:
                number += 1
                self._add(name.format(number), b"".join(kept), len(kept))
                kept, size = [], 0
        if kept:
            self._add(name.format(number + 1), b"".join(kept), len(kept))
        return count

    def file(self, name: str, path: Path, rows: int) -> None:
        """A member of a file's bytes."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
            size = file.tell()
            file.seek(0)
            self._tar.addfile(_info(name, size), file)
        self.members.append(ArchiveMember(name, size, digest.hexdigest(), rows))

    def manifest(self, manifest: ArchiveManifest) -> None:
        data = msgspec.json.format(msgspec.json.encode(manifest))
        self._tar.addfile(_info(MANIFEST, len(data)), io.BytesIO(data))

    def _add(self, name: str, data: bytes, rows: int) -> None:
        self._tar.addfile(_info(name, len(data)), io.BytesIO(data))
        digest = hashlib.sha256(data).hexdigest()
        self.members.append(ArchiveMember(name, len(data), digest, rows))


@contextmanager
def written(path: Path) -> Iterator[ArchiveWriter]:
    """An archive that is there once it is whole: written beside its place, and then renamed."""
    folder = path.absolute().parent
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".recount-", dir=folder) as beside,
            open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            with (
                zstd.ZstdFile(file, "w") as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield ArchiveWriter(tar, Path(beside))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class Member:
    """A member that is being read. data: its bytes, to be read once."""

    def __init__(self, name: str, size: int, data: IO[bytes]) -> None:
        self.name = name
        self.size = size
        self._data = data
        self._digest = hashlib.sha256()
        self.rows = 0

    def lines(self) -> Iterator[bytes]:
        for line in self._data:
            self._digest.update(line)
            self.rows += 1
            yield line

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            for block in self.blocks():
                file.write(block)

    def blocks(self) -> Iterator[bytes]:
        while block := self._data.read(_BLOCK):
            self._digest.update(block)
            yield block

    def sha256(self) -> str:
        """Of all of it, read or not."""
        for _ in self.blocks():
            pass
        return self._digest.hexdigest()


def members(path: Path, on_bytes: OnBytes = lambda read: None) -> Iterator[Member]:
    """The archive's members in their order, the manifest last. Raises NoArchive."""
    try:
        with (
            path.open("rb") as file,
            zstd.ZstdFile(file) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for info in tar:
                data = tar.extractfile(info)
                if data is None:
                    raise NoArchive(f"{path} is no archive of a project: {info.name}.")
                yield Member(info.name, info.size, data)
                on_bytes(file.tell())
    except (tarfile.TarError, zstd.ZstdError, EOFError) as cause:
        why = str(cause) or "it ends too soon"
        raise NoArchive(f"{path} is no archive of a project, or not a whole one: {why}.") from cause


def manifest_of(path: Path, member: Member) -> ArchiveManifest:
    """Raises NoArchive."""
    if member.size > _MOST_MANIFEST_BYTES:
        raise NoArchive(f"{path} is no archive of a project: its manifest is too large.")
    try:
        found = msgspec.json.decode(b"".join(member.blocks()), type=ArchiveManifest)
    except msgspec.DecodeError as cause:
        raise NoArchive(f"{path} is no archive of a project: {cause}.") from cause
    if found.recount_project != FORMAT:
        raise NoArchive(
            f"{path} is of a newer Recount: its format is {found.recount_project}, and this one"
            f" knows {FORMAT}."
        )
    return found


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info
