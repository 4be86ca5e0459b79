"""From the rows of a file to events as a capture door takes them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from contracts.times import moment
from services.command.capture.events import as_text, parse_uuid
from services.embedded.importing.faults import BadRecord
from services.embedded.importing.fields import Fields
from services.embedded.importing.import_options import FileRow, ImportOptions
from services.embedded.importing.times import NotATime, TimeReader

_CONTENT: Final = UUID("5b0c1d8e-2f6a-5c43-9e7d-8a4b6f1c3d20")
# Beside `properties`, these say something about the event's person.
_PERSON = ("$set", "$set_once")
# As the number itself is written, so that a version (1.10) or a code (1e5, 007) stays what it is.
_WHOLE = re.compile(r"(?:0|-?[1-9]\d{0,17})\Z", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{0,14}[1-9]\Z", re.ASCII)
_canonical = msgspec.json.Encoder(order="sorted")


class EventRecord(msgspec.Struct, frozen=True):
    """An event as a capture door takes it. number: of its row. at: microseconds since 1970, UTC."""

    number: int
    body: dict[str, Any]
    where: str = ""
    at: int = 0


class NoPerson(msgspec.Struct, frozen=True):
    """A row that says not whose it is."""

    where: str


Outcome = EventRecord | NoPerson | BadRecord


class RecordMaker:
    """Makes the events of one file. Equal rows are events of their own.

    token: of the project, for whom equal content has equal ids. The second of equal rows has an id
    that says it is the second in the file; that takes some 100 bytes of memory for each row
    without a uuid.
    """

    def __init__(
        self, token: str, fields: Fields, reading: ImportOptions, *, is_text: bool
    ) -> None:
        """is_text: cells are text, and numbers among them are to be found."""
        self._token = token
        self._fields = fields
        self._missing = reading.missing
        self._is_text = is_text
        self._times = TimeReader(reading.time_format, ZoneInfo(reading.timezone))
        self._met: dict[int, int] = {}

    def of(self, rows: Iterable[FileRow | BadRecord]) -> Iterator[Outcome]:
        """In the file's order."""
        for row in rows:
            if isinstance(row, BadRecord):
                yield row
                continue
            try:
                yield self._event(row)
            except BadRecord as bad:
                yield bad

    def _event(self, row: FileRow) -> EventRecord | NoPerson:
        """The event of a row. A column that is no field is a property, unless there are
        `properties`.
        """
        rest = row.values
        if self._missing and not self._is_text:
            rest = {
                name: value
                for name, value in rest.items()
                if not (type(value) is str and value in self._missing)
            }
        columns = self._fields.columns
        taken = {field: _take(rest, column) for field, column in columns.items()}
        person = taken["distinct_id"]
        if person is None or (type(person) is str and not person.strip()):
            return NoPerson(row.where)
        event = taken.get("event")
        if event is None or event == "":
            event = self._fields.event
        if event is None:
            raise BadRecord(row.where, f"has no {columns.get('event', 'event')!r}")
        at = self._at(row.where, taken.get("timestamp"))
        given = taken.get("properties")
        content = {
            "event": as_text(event),
            "distinct_id": person,
            "timestamp": moment(at).isoformat(timespec="microseconds"),
            "properties": self._properties(row.where, rest, given),
        }
        if given is not None:
            content |= {key: rest[key] for key in _PERSON if key in rest}
        uuid = self._uuid(row.where, taken.get("uuid"), content)
        return EventRecord(row.number, {**content, "uuid": uuid}, row.where, at)

    def _at(self, where: str, value: object) -> int:
        column = self._fields.columns["timestamp"]
        if value is None:
            raise BadRecord(where, f"has no {column!r}")
        try:
            return self._times.micros(value)
        except NotATime as why:
            raise BadRecord(where, f"{column} {value!r} {why}") from why

    def _properties(self, where: str, rest: dict[str, Any], given: object) -> dict[str, Any]:
        match given:
            case None if self._is_text:
                return {name: cell_value(cell) for name, cell in rest.items()}
            case None:
                return rest
            case dict():
                return given
            case str():
                try:
                    return msgspec.json.decode(given, type=dict[str, Any])
                except msgspec.DecodeError as cause:
                    reason = f"the properties are not a JSON object: {cause}"
                    raise BadRecord(where, reason) from cause
            case _:
                raise BadRecord(where, "the properties are not a JSON object")

    def _uuid(self, where: str, given: object, content: Mapping[str, Any]) -> str:
        if given is None:
            first = uuid5(_CONTENT, self._token + _canonical.encode(content).decode())
            key = first.int >> 64
            earlier = self._met.get(key, 0)
            self._met[key] = earlier + 1
            return str(uuid5(first, str(earlier)) if earlier else first)
        uuid = parse_uuid(str(given))
        if uuid is None:
            raise BadRecord(where, f"uuid {given!r} is not a UUID")
        return str(uuid)


def cell_value(cell: str) -> object:
    """A number that is written as the number is, true and false; anything else is text."""
    if _WHOLE.match(cell):
        return int(cell)
    if _DECIMAL.match(cell):
        number = float(cell)
        return number if repr(number) == cell else cell
    if cell == "true":
        return True
    return False if cell == "false" else cell


def _take(values: dict[str, Any], column: str) -> Any:
    """Out of the row; what a path leads to stays in its object."""
    if column in values:
        return values.pop(column)
    found: Any = values
    for name in column.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if found is not values else None
