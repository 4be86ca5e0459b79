"""What a backup says of itself: `manifest.json`, beside the files of each server."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

FORMAT = 1
MANIFEST = "manifest.json"


class BackedUpChain(msgspec.Struct, frozen=True):
    """The end of a project's chain when the backup began. hash: hexadecimal."""

    entries: int
    hash: str


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """recount_backup: FORMAT of the backup. tables: the newest migration of its tables.

    head: the log's last position when it began, and chains: the ends of its chains: what was
    restored has these, and perhaps some entries more, which came while PostgreSQL was copied.
    reached: stream of captured events -> up to where its events were stored then. postgres: version
    of the server; None: it is backed up elsewhere. lsn: where that copy ends, as it was told.
    parts: table of product events -> its parts; None: they are backed up elsewhere. rows: table ->
    how many these have.
    """

    recount_backup: int
    made_at: datetime
    version: str
    tables: int
    installation: UUID
    head: int
    chains: Mapping[int, BackedUpChain]
    reached: Mapping[str, int]
    postgres: str | None
    lsn: str | None
    parts: Mapping[str, tuple[str, ...]] | None
    rows: Mapping[str, int]
