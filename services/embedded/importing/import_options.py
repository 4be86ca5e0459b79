"""The options of an import. An option that was left out is found in the file, or asked for."""

from collections.abc import Mapping

import msgspec

FIELDS = ("event", "distinct_id", "timestamp", "properties", "uuid")


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """names: field -> column. event: the name of every event. columns: of a file without a heading.

    separator: one character, or a space for any white space. missing: cells that mean nothing.
    time_format: see times.TimeReader. timezone: of times that name none, an IANA name.
    """

    names: Mapping[str, str] = {}
    event: str | None = None
    columns: tuple[str, ...] = ()
    separator: str | None = None
    encoding: str | None = None
    missing: frozenset[str] = frozenset()
    time_format: str | None = None
    timezone: str = "UTC"


class FileRow(msgspec.Struct, frozen=True):
    """One record as the file has it. number: from 1, whatever the lines are."""

    number: int
    where: str
    values: dict[str, object]
