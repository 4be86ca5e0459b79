"""Objects out of JSON, one after the other: never more of the file in memory than the longest."""

import json
import math
import re
from collections.abc import Generator, Iterator
from typing import Any, Final, NoReturn

import msgspec

from services.command.capture.json_text import clean_text
from services.embedded.importing.faults import BadRecord
from services.embedded.importing.import_options import FileRow

# Members that hold the events, in what APIs and exports answer.
WRAPPERS: Final = frozenset(
    {"results", "result", "events", "batch", "data", "items", "records", "rows"}
)
_LONGEST: Final = 64 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n\x1e]*")
# So near to the end of what was read, an error may only be that the rest is missing.
_CUT = 16


def of_lines(lines: Iterator[str]) -> Iterator[FileRow | BadRecord]:
    """One object a line; blank lines are nothing."""
    number = 0
    while True:
        number += 1
        try:
            line = next(lines, None)
        except BadRecord as bad:
            yield bad
            return
        if line is None:
            return
        if not line.strip("\x1e \t\r\n"):
            continue
        where = f"line {number}"
        try:
            value = msgspec.json.decode(line.lstrip("\x1e"))
        except (msgspec.DecodeError, RecursionError) as cause:
            try:
                # As forgiving as the doors are, of half characters and numbers too great.
                value = _cleaned(_forgiving.decode(line.lstrip("\x1e")))
            except (ValueError, RecursionError):
                yield BadRecord(where, f"not JSON: {cause}")
                continue
        if isinstance(value, dict):
            yield FileRow(number, where, value)
        else:
            yield BadRecord(where, "not a JSON object")


def of_values(chunks: Iterator[str]) -> Iterator[FileRow | BadRecord]:
    """Objects after each other, in a list, or in a list that a member of an object holds."""
    return _Values(chunks).rows()


class _Values:
    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._at = 0
        self._line = 1
        self._number = 0
        self._decode = _forgiving.raw_decode

    def rows(self) -> Iterator[FileRow | BadRecord]:
        is_wrapped: bool | None = None
        try:
            while first := self._next():
                if first == "[":
                    self._at += 1
                    yield from self._items()
                elif first == "{" and is_wrapped is not False:
                    before = self._number
                    members = yield from self._members()
                    is_wrapped = members is None
                    if members is not None and self._number == before:
                        yield self._row(members)
                elif first == "{":
                    yield self._row(self._value())
                else:
                    raise self._bad(f"not JSON: {first!r} where an object should begin")
        except BadRecord as bad:
            yield bad

    def _items(self) -> Iterator[FileRow | BadRecord]:
        """Of a list that was begun."""
        while True:
            match self._next():
                case "]":
                    self._at += 1
                    return
                case ",":
                    self._at += 1
                case "":
                    raise self._bad("the list of events is not closed; the file may be cut off")
                case _:
                    yield self._row(self._value())

    def _members(self) -> Generator[FileRow | BadRecord, None, dict[str, Any] | None]:
        """Of an object. Gives them back, or None when a list of events was among them."""
        members: dict[str, Any] = {}
        found = False
        self._at += 1
        while (following := self._next()) != "}":
            if following == ",":
                self._at += 1
                continue
            if following != '"':
                raise self._bad("not JSON: the name of a member is missing, or the file is cut off")
            name = self._value()
            if self._next() != ":":
                raise self._bad("not JSON: a colon is missing, or the file is cut off")
            self._at += 1
            if (
                self._next() == "["
                and name in WRAPPERS
                and not {"event", "distinct_id"} & set(members)
            ):
                self._at += 1
                yield from self._items()
                found = True
            else:
                members[name] = self._value()
        self._at += 1
        return None if found else members

    def _row(self, value: object) -> FileRow | BadRecord:
        self._number += 1
        where = f"item {self._number:,} (line {self._line:,})"
        if not isinstance(value, dict):
            return BadRecord(where, "not a JSON object")
        return FileRow(self._number, where, value)

    def _next(self) -> str:
        """The next character that is no white space, not taken; nothing at the end."""
        while True:
            end = _SPACE.match(self._text, self._at)
            assert end is not None
            self._line += self._text.count("\n", self._at, end.end())
            self._at = end.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(1):
                return ""

    def _value(self) -> Any:
        """Reads on until it is whole; each time as much again, so that the work stays in line."""
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except (json.JSONDecodeError, _Constant) as fault:
                left = len(self._text) - self._at
                if not self._may_be_cut(fault) or left > _LONGEST or not self._more(left):
                    raise self._bad(f"not JSON: {fault}") from fault
            except RecursionError as fault:
                raise self._bad("not JSON: nested too deeply") from fault
            else:
                if self._text.find("\\u", self._at, end) >= 0:
                    value = _cleaned(value)
                self._line += self._text.count("\n", self._at, end)
                self._at = end
                return value

    def _may_be_cut(self, fault: Exception) -> bool:
        if not isinstance(fault, json.JSONDecodeError):
            return False
        return fault.msg.startswith("Unterminated string") or fault.pos > len(self._text) - _CUT

    def _more(self, wanted: int) -> bool:
        """Whether there was any."""
        pieces = [self._text[self._at :]]
        added = 0
        while added < wanted and (chunk := next(self._chunks, "")):
            pieces.append(chunk)
            added += len(chunk)
        self._text, self._at = "".join(pieces), 0
        return added > 0

    def _bad(self, reason: str) -> BadRecord:
        where = f"item {self._number + 1:,} (line {self._line:,})"
        return BadRecord(where, reason, is_last=True)


class _Constant(ValueError):
    """NaN or Infinity, which JSON has not."""


def _refused(name: str) -> NoReturn:
    raise _Constant(f"the number {name} is none")


def _finite(digits: str) -> float | str:
    """The number; its digits where it is beyond Float64."""
    number = float(digits)
    return number if math.isfinite(number) else digits


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(name): _cleaned(member) for name, member in value.items()}
        case list():
            return [_cleaned(member) for member in value]
        case _:
            return value


_forgiving = json.JSONDecoder(parse_float=_finite, parse_constant=_refused)
