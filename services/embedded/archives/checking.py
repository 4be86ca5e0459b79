"""An archive read from end to end: whether it is whole, and whether its chain holds."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from contracts.archives import MANIFEST, ArchiveManifest, ArchiveMember
from contracts.chain import BEGINNING, BrokenChain, Entry, Erasures, follow
from contracts.cloud_events import decode_cloud_event, entry_of
from contracts.json import is_null
from contracts.merkle import Frontier, grown
from services.embedded.archives.tar import Member, NoArchive, manifest_of, members

OnBytes = Callable[[int], None]


class CheckedArchive(msgspec.Struct, frozen=True):
    """digest: of the manifest, which has those of everything else."""

    manifest: ArchiveManifest
    digest: bytes


class ArchiveBroken(Exception):
    """The archive is whole, and what it says does not hold. sequence: of the first such entry."""

    def __init__(self, why: str, sequence: int | None = None) -> None:
        super().__init__(why if sequence is None else f"entry {sequence}: {why}")
        self.sequence = sequence


def checked(path: Path, on_bytes: OnBytes = lambda read: None) -> CheckedArchive:
    """Raises NoArchive and ArchiveBroken."""
    chain = _Chain()
    found: list[ArchiveMember] = []
    manifest: ArchiveManifest | None = None
    digest = b""
    for member in members(path, on_bytes):
        if manifest is not None:
            raise NoArchive(f"{path} goes on behind its manifest.")
        if member.name == MANIFEST:
            manifest = manifest_of(path, member)
            digest = hashlib.sha256(msgspec.json.encode(manifest)).digest()
            continue
        if member.name.startswith("log/"):
            chain.take(member.lines())
        elif member.name.startswith("tables/"):
            for _ in member.lines():
                pass
        found.append(ArchiveMember(member.name, member.size, member.sha256(), member.rows))
    if manifest is None:
        raise NoArchive(f"{path} is no whole archive of a project: it has no manifest.")
    _compare(found, manifest)
    chain.compare(manifest)
    return CheckedArchive(manifest, digest)


def entries(lines: Iterable[bytes]) -> Iterable[Entry]:
    """Raises ArchiveBroken."""
    for line in lines:
        try:
            yield entry_of(decode_cloud_event(line))
        except ValueError as cause:
            raise ArchiveBroken(f"a line is no entry: {cause}") from cause


class _Chain:
    def __init__(self) -> None:
        self._link = BEGINNING
        self._tree = Frontier()
        self._erasures = Erasures()
        self._versions: dict[object, int] = {}
        self._last: Entry | None = None

    def take(self, lines: Iterable[bytes]) -> None:
        for entry in entries(lines):
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        sequence = self._link.team_seq + 1
        last = self._last
        try:
            self._link = follow(self._link, entry)
        except BrokenChain as cause:
            raise ArchiveBroken(f"{cause.reason} does not follow", sequence) from cause
        if is_null(entry.event):
            raise ArchiveBroken("its payload is missing", sequence)
        if last is not None and (entry.team_id != last.team_id or entry.at <= last.at):
            raise ArchiveBroken("it is not of this project, or not later", sequence)
        version = self._versions.get(entry.stream_id, 0) + 1
        if entry.version != version:
            raise ArchiveBroken("version does not follow", sequence)
        self._versions[entry.stream_id] = version
        self._tree = grown(self._tree, [entry.hash]).frontier
        self._erasures.take(entry)
        self._last = entry

    def compare(self, manifest: ArchiveManifest) -> None:
        if (sequence := self._erasures.unexplained()) is not None:
            raise ArchiveBroken("its payload is gone, and no fact tells of that", sequence)
        if self._last is not None and self._last.team_id != manifest.project:
            raise ArchiveBroken("the entries are not of the manifest's project")
        there = (self._link.team_seq, self._link.hash.hex(), self._tree.root.hex())
        if there != (manifest.entries, manifest.hash, manifest.root):
            raise ArchiveBroken("the entries do not end where the manifest says")


def _compare(found: list[ArchiveMember], manifest: ArchiveManifest) -> None:
    for there, said in zip(found, manifest.members, strict=False):
        if (there.name, there.bytes, there.sha256) != (said.name, said.bytes, said.sha256):
            raise ArchiveBroken(f"{there.name} is not as the manifest has it")
    if len(found) != len(manifest.members):
        raise ArchiveBroken(
            f"it has {len(found)} files, and its manifest names {len(manifest.members)}"
        )


def table_of(name: str) -> str:
    """The table that a member has rows of: `tables/persons-000001.ndjson`."""
    return name.removeprefix("tables/").rpartition("-")[0]


def month_of(name: str) -> int:
    """Of `events/202611.parquet`."""
    return int(name.removeprefix("events/").removesuffix(".parquet"))


def one_member(path: Path, wanted: Callable[[str], bool]) -> Iterable[Member]:
    """Those that are wanted."""
    return (member for member in members(path) if wanted(member.name))
