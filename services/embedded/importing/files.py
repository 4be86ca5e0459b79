"""A file of events: what it was taken for, and what its rows become."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, assert_never

import msgspec

from services.command.capture.events import parse_uuid
from services.embedded.importing import json_rows, parquet_rows, separated_rows, texts
from services.embedded.importing.event_records import Outcome, RecordMaker
from services.embedded.importing.faults import BadRecord, NotEvents
from services.embedded.importing.fields import Fields, chosen
from services.embedded.importing.formats import (
    SEPARATORS,
    Format,
    JsonLines,
    JsonValues,
    Parquet,
    SeparatedRows,
    format_of,
)
from services.embedded.importing.import_options import FileRow, ImportOptions
from services.embedded.importing.open_file import OpenFile

# The rows that are read before anything is sent, to see what the columns are.
SAMPLE: Final = 10_000
_SAMPLE_BYTES: Final = 16 * 1024 * 1024


class EventFile:
    """Opened, looked at, and read once from its start to its end."""

    def __init__(self, path: Path, file: BinaryIO, reading: ImportOptions, token: str = "") -> None:
        """token: of the project that the events go to. Raises NotEvents."""
        self.source = OpenFile(path, file)
        self.format = format_of(self.source, reading)
        rows = self._rows(self.format, reading.missing)
        sample = _sample(self.source, rows)
        if not sample:
            raise NotEvents(f"{path} has no events.")
        seen, inside = _columns(self.format, sample)
        if not seen:
            first = next(row for row in sample if isinstance(row, BadRecord))
            raise NotEvents(f"{path}, {first}. Nothing was imported.")
        if _are_ids(seen, sample):
            reading = msgspec.structs.replace(reading, names={"uuid": "id", **reading.names})
        self.fields: Fields = chosen(seen, inside, reading)
        events = RecordMaker(
            token, self.fields, reading, is_text=isinstance(self.format, SeparatedRows)
        )
        outcomes = events.of(chain(sample, rows))
        # These are made once: equal rows differ by the order they come in.
        self.sample: list[Outcome] = [outcome for _, outcome in zip(sample, outcomes, strict=False)]
        self._outcomes = outcomes

    def outcomes(self) -> Iterator[Outcome]:
        """In the file's order. Once."""
        return chain(self.sample, self._outcomes)

    def _rows(self, form: Format, missing: frozenset[str]) -> Iterator[FileRow | BadRecord]:
        match form:
            case SeparatedRows(encoding=encoding, old_mac=old_mac):
                lines = texts.lines(self.source.open(), encoding, old_mac=old_mac)
                return separated_rows.of_lines(lines, form, missing)
            case JsonLines(encoding=encoding):
                return json_rows.of_lines(texts.lines(self.source.open(), encoding))
            case JsonValues(encoding=encoding):
                return json_rows.of_values(texts.chunks(self.source.open(), encoding))
            case Parquet():
                return parquet_rows.of_file(self.source)
            case _:
                assert_never(form)

    def described(self) -> str:
        """In words, such as "a table separated by commas, UTF-8, 4 columns with names …"."""
        packing = f"{self.source.packing}, " if self.source.packing else ""
        match self.format:
            case SeparatedRows(encoding, separator, columns, has_heading):
                between = SEPARATORS.get(separator, repr(separator))
                heading = "with names in its first line" if has_heading else "named by --columns"
                return (
                    f"{packing}a table separated by {between}, {encoding.upper()},"
                    f" {len(columns)} columns {heading}"
                )
            case JsonLines(encoding):
                return f"{packing}JSON, an object a line, {encoding.upper()}"
            case JsonValues(encoding):
                return f"{packing}JSON, objects over several lines or in a list, {encoding.upper()}"
            case Parquet():
                return "Parquet"
            case _:
                assert_never(self.format)


def _sample(source: OpenFile, rows: Iterator[FileRow | BadRecord]) -> list[FileRow | BadRecord]:
    sample: list[FileRow | BadRecord] = []
    for row in rows:
        sample.append(row)
        if len(sample) == SAMPLE or source.read_bytes > _SAMPLE_BYTES:
            break
    return sample


def _are_ids(seen: list[str], sample: list[FileRow | BadRecord]) -> bool:
    """Whether `id` is the event's, as in what PostHog's API answers: a UUID beside `properties`."""
    if "uuid" in seen or not {"id", "properties"} <= set(seen):
        return False
    ids = [row.values.get("id") for row in sample if isinstance(row, FileRow)]
    return all(type(one) is str and parse_uuid(one) is not None for one in ids)


def _columns(form: Format, sample: list[FileRow | BadRecord]) -> tuple[list[str], set[str]]:
    """The names of the columns in order, and those within `properties`; none without a good row."""
    rows = [row for row in sample if isinstance(row, FileRow)]
    if not rows:
        return [], set()
    if isinstance(form, SeparatedRows):
        return list(form.columns), set()
    seen: dict[str, None] = {}
    inside: set[str] = set()
    for row in rows:
        seen.update(dict.fromkeys(row.values))
        given = row.values.get("properties")
        if isinstance(given, dict):
            inside.update(given)
    return list(seen), inside
