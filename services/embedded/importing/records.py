"""Reads product events from NDJSON and CSV files; says by line number what is wrong with one."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid5

import msgspec

from services.command.capture import times
from services.command.capture.events import parse_uuid

FIELDS = ("event", "distinct_id", "timestamp", "properties", "uuid")

_CONTENT = UUID("5b0c1d8e-2f6a-5c43-9e7d-8a4b6f1c3d20")
# Beside `properties`, these say something about the event's person.
_PERSON = ("$set", "$set_once")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_canonical = msgspec.json.Encoder(order="sorted")


class BadRecord(Exception):
    """A line that is no event. line: counted from 1, as editors do."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


class Mapped(msgspec.Struct, frozen=True):
    """Where an event's fields are. names: field -> column; event: the name of every event."""

    names: Mapping[str, str] = {}
    event: str | None = None

    def column(self, field: str) -> str:
        return self.names.get(field, field)


class Record(msgspec.Struct, frozen=True):
    """An event as a capture door takes it, and the line of the file that it ends on."""

    line: int
    body: dict[str, Any]


class Source:
    """An open file. read_bytes, total_bytes: as they lie on the disk, compressed or not."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self.total_bytes = path.stat().st_size

    @property
    def read_bytes(self) -> int:
        return self._file.tell()

    def records(self, token: str, mapped: Mapped) -> Iterator[Record]:
        """In the file's order. token: of the project, for whom equal content has equal ids.

        Rows that are equal are events of their own: the second one's id also says that it is the
        second in the file. That takes some 100 bytes of memory for each row without a uuid.
        CSV unless the name or the first character says NDJSON. Raises BadRecord.
        """
        is_packed = self._path.suffix == ".gz"
        unpacked = gzip.GzipFile(fileobj=self._file) if is_packed else self._file
        lines = io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="")
        name = self._path.name.removesuffix(".gz")
        try:
            met: dict[int, int] = {}
            for line, row in _rows(lines, name):
                yield Record(line, _event(line, row, token, mapped, met))
        except UnicodeDecodeError as cause:
            raise BadRecord(0, f"the file is not UTF-8: {cause.reason}") from cause
        finally:
            lines.detach()


def _rows(lines: io.TextIOWrapper, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    first = lines.readline()
    is_json = name.endswith((".ndjson", ".jsonl")) or first.lstrip().startswith("{")
    if is_json and not name.endswith((".csv", ".tsv")):
        return _ndjson(first, lines)
    return _csv(first, lines, "\t" if name.endswith(".tsv") else ",")


def _ndjson(first: str, lines: io.TextIOWrapper) -> Iterator[tuple[int, dict[str, Any]]]:
    number, text = 1, first
    while text:
        if text.strip():
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError as cause:
                raise BadRecord(number, f"not JSON: {cause}") from cause
            if not isinstance(value, dict):
                raise BadRecord(number, "not a JSON object")
            yield number, value
        number, text = number + 1, lines.readline()


def _csv(
    first: str, lines: io.TextIOWrapper, delimiter: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    header = next(csv.reader([first], delimiter=delimiter), [])
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    names = [name.strip() for name in header]
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as cause:
            raise BadRecord(reader.line_num + 1, f"not CSV: {cause}") from cause
        if not cells:
            continue
        line = reader.line_num + 1
        if len(cells) != len(names):
            raise BadRecord(line, f"has {len(cells)} cells, and the first line has {len(names)}")
        yield line, {name: cell for name, cell in zip(names, cells, strict=True) if cell != ""}


def _event(
    line: int, row: dict[str, Any], token: str, mapped: Mapped, met: dict[int, int]
) -> dict[str, Any]:
    """The event that a row is. What no field takes is a property, unless `properties` is there.

    met: how often each content was met before.
    """
    row = dict(row)
    taken = {field: row.pop(mapped.column(field), None) for field in FIELDS}
    event = mapped.event if taken["event"] is None else taken["event"]
    if not event:
        raise BadRecord(line, f"has no {mapped.column('event')!r}")
    if taken["distinct_id"] in (None, ""):
        raise BadRecord(line, f"has no {mapped.column('distinct_id')!r}")
    content = {
        "event": event,
        "distinct_id": taken["distinct_id"],
        "timestamp": _timestamp(line, taken["timestamp"], mapped.column("timestamp")),
        "properties": _properties(line, row, taken["properties"]),
        **{key: row[key] for key in _PERSON if taken["properties"] is not None and key in row},
    }
    return {**content, "uuid": _uuid(line, taken["uuid"], token, content, met)}


def _timestamp(line: int, value: object, column: str) -> str:
    """In one form, so that the id does not depend on how it was written."""
    if value is None:
        raise BadRecord(line, f"has no {column!r}")
    moment = times.parse(str(value))
    if moment is None:
        raise BadRecord(line, f"{column} {value!r} is not a time")
    return (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds")


def _properties(line: int, rest: dict[str, Any], given: object) -> dict[str, Any]:
    match given:
        case None:
            return {key: _cell(value) for key, value in rest.items()}
        case dict():
            return given
        case str():
            try:
                return msgspec.json.decode(given, type=dict[str, Any])
            except msgspec.DecodeError as cause:
                raise BadRecord(line, f"the properties are not a JSON object: {cause}") from cause
        case _:
            raise BadRecord(line, "the properties are not a JSON object")


def _cell(value: object) -> object:
    """A CSV cell that is a number, true or false in JSON is that; anything else is text."""
    if not isinstance(value, str):
        return value
    try:
        read = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
    return read if isinstance(read, int | float) else value


def _uuid(
    line: int, given: object, token: str, content: dict[str, Any], met: dict[int, int]
) -> str:
    if given is None:
        first = uuid5(_CONTENT, token + _canonical.encode(content).decode())
        key = first.int >> 64
        earlier = met.get(key, 0)
        met[key] = earlier + 1
        return str(uuid5(first, str(earlier)) if earlier else first)
    uuid = parse_uuid(str(given))
    if uuid is None:
        raise BadRecord(line, f"uuid {given!r} is not a UUID")
    return str(uuid)
