"""A project as one file: what its manifest says, the last member of a tar that zstd has compressed.

The members, in the tar's order: `log/….ndjson`, the facts as the CloudEvents that subscribers get;
`tables/….ndjson`, rows that no fact holds; `events/….parquet`, product events by month;
`manifest.json`.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

FORMAT = 1
MANIFEST = "manifest.json"


class ArchiveMember(msgspec.Struct, frozen=True):
    """A file of the archive. sha256: of its bytes, hexadecimal. rows: lines, or product events."""

    name: str
    bytes: int
    sha256: str
    rows: int


class ArchiveManifest(msgspec.Struct, frozen=True, kw_only=True):
    """recount_project: FORMAT of the archive. installation: where it was made.

    entries, hash, root, last_at: of the log: how many, the last one's hash, the root of their tree,
    the last one's time. events: product events. highest: table or sequence -> the highest number
    that the project uses of it.
    """

    recount_project: int
    made_at: datetime
    installation: UUID
    project: int
    name: str
    timezone: str
    organization: str
    entries: int
    hash: str
    root: str
    last_at: datetime | None
    events: int
    persons: int
    highest: Mapping[str, int]
    members: tuple[ArchiveMember, ...]


class ArchivedUser(msgspec.Struct, frozen=True):
    """Somebody whom the project's facts name by number. level: in its organization; 0: no member
    any more.
    """

    id: int
    email: str
    first_name: str
    last_name: str
    level: int


class ArchivedProject(msgspec.Struct, frozen=True):
    """The project's row; its settings since are facts."""

    id: int
    name: str
    timezone: str
    week_start_day: int
    test_account_filters: msgspec.Raw
    created_at: datetime
