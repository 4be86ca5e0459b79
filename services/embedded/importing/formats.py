"""The format of a file: by its first bytes, not by its name where they differ."""

import csv
import re
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.embedded.importing import texts
from services.embedded.importing.faults import NotEvents
from services.embedded.importing.fields import has_field_names
from services.embedded.importing.import_options import ImportOptions
from services.embedded.importing.json_rows import WRAPPERS
from services.embedded.importing.open_file import PARQUET, OpenFile
from services.embedded.importing.times import NotATime, TimeReader

SEPARATORS: Final = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    " ": "white space",
}
_LINES_LOOKED_AT: Final = 200
# The share of lines that white space has to divide alike before it is believed.
_MOST_LINES: Final = 0.9
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?\Z", re.ASCII)


class SeparatedRows(msgspec.Struct, frozen=True):
    """columns: in their order, an unnamed one is empty. separator: a space is any white space."""

    encoding: str
    separator: str
    columns: tuple[str, ...]
    has_heading: bool
    old_mac: bool = False


class JsonLines(msgspec.Struct, frozen=True):
    """One object a line."""

    encoding: str


class JsonValues(msgspec.Struct, frozen=True):
    """Objects over several lines, a list of them, or a list within an object."""

    encoding: str


class Parquet(msgspec.Struct, frozen=True):
    """Read by chDB."""


Format = SeparatedRows | JsonLines | JsonValues | Parquet


def format_of(source: OpenFile, reading: ImportOptions) -> Format:
    """Raises NotEvents, with what to do."""
    if source.head.startswith(PARQUET):
        return Parquet()
    try:
        encoding = texts.encoding_of(source.head, reading.encoding)
    except NotEvents as fault:
        raise NotEvents(f"{source.path}: {fault}") from fault
    head = texts.decoded_head(source.head, encoding, is_whole=source.is_whole)
    begins = head.lstrip()[:200].lower()
    if begins.startswith("<"):
        what = "a web page (HTML)" if "html" in begins else "XML"
        raise NotEvents(
            f"{source.path} is {what}, not a table of events. Was the download refused?"
        )
    is_named_json = source.name.endswith((".json", ".ndjson", ".jsonl"))
    is_named_table = source.name.endswith((".csv", ".tsv", ".txt"))
    if is_named_json or (begins.startswith(("{", "[", "\x1e")) and not is_named_table):
        if not begins.startswith(("{", "[", "\x1e")):
            raise NotEvents(f"{source.path} is named like JSON and does not begin like it.")
        first, has_end, _ = head.lstrip("\x1e \t\r\n").partition("\n")
        is_line = bool(has_end or source.is_whole) and _is_event_line(first)
        return JsonLines(encoding) if is_line else JsonValues(encoding)
    return _separated(source, head, encoding, reading)


def _is_event_line(line: str) -> bool:
    """A whole object that is no wrapper of a list of them."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(value, dict) and not any(
        isinstance(value.get(name), list) for name in WRAPPERS
    )


def _separated(source: OpenFile, head: str, encoding: str, reading: ImportOptions) -> SeparatedRows:
    old_mac = "\r" in head and "\n" not in head
    lines = (head.replace("\r", "\n") if old_mac else head).split("\n")
    if len(lines) > 1 and not source.is_whole:
        lines = lines[:-1]
    lines = lines[:_LINES_LOOKED_AT]
    separator = reading.separator or _separator(source, lines, reading)
    rows = _cells(lines, separator)
    if not rows:
        raise NotEvents(f"{source.path} is empty: there is nothing to import.")
    first = tuple(cell.strip() for cell in rows[0])
    if reading.columns:
        if len(first) != len(reading.columns):
            raise NotEvents(
                f"{source.path} has {len(first)} columns (separated by"
                f" {SEPARATORS.get(separator, repr(separator))}), and --columns names"
                f" {len(reading.columns)}: {', '.join(reading.columns)}. Its first line is"
                f" {lines[0].strip()[:100]!r}."
            )
        return SeparatedRows(
            encoding, separator, reading.columns, first == reading.columns, old_mac
        )
    if not has_field_names(first, reading) and _is_data(first):
        names = ",".join(f"column{number}" for number in range(1, len(first) + 1))
        raise NotEvents(
            f"The first line of {source.path} looks like an event, not like the names of columns:"
            f" {lines[0].strip()[:100]!r}. Name its columns in their order, as in --columns"
            f" distinct_id,timestamp,… (there are {len(first)}; any names, such as {names})."
        )
    if len(rows) == 1 and source.is_whole:
        raise NotEvents(
            f"{source.path} has one line, {lines[0].strip()[:100]!r}, and no events below it."
        )
    return SeparatedRows(encoding, separator, _distinct(first), True, old_mac)


def _separator(source: OpenFile, lines: Sequence[str], reading: ImportOptions) -> str:
    """The one that divides most lines into as many cells as the first one.

    White space, which is also within cells, only where it does so better than any other.
    """
    best, best_score = "", (False, 0.0, 0)
    candidates = ("\t", ",", ";", "|") if source.name.endswith(".tsv") else (",", ";", "\t", "|")
    for separator in candidates:
        score = _score(lines, separator, reading)
        if score > best_score:
            best, best_score = separator, score
    is_alone = sum(bool(line.strip()) for line in lines) == 1 and source.is_whole
    score = _score(lines, " ", reading)
    if score[:2] > best_score[:2] and score[1] >= _MOST_LINES and not is_alone:
        return " "
    if best:
        return best
    raise NotEvents(
        f"{source.path} is no table: its first line, {lines[0].strip()[:100]!r}, has no commas,"
        " semicolons or tabs between columns. If something else separates them, name it with"
        " --separator."
    )


def _score(lines: Sequence[str], separator: str, reading: ImportOptions) -> tuple[bool, float, int]:
    """Whether there are as many columns as were named, on which share of lines as many as on the
    first, and how many.
    """
    widths = [len(row) for row in _cells(lines, separator)]
    if not widths or widths[0] < 2:
        return False, 0.0, 0
    same = sum(width == widths[0] for width in widths) / len(widths)
    return widths[0] == len(reading.columns), same, widths[0]


def _cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(prepared(lines, separator), **dialect(separator)) if row]
    except csv.Error:
        # A quote that is not closed within the head, or such: told by line when it is read.
        return [line.split(separator) for line in lines if line.strip()]


def prepared(lines: Sequence[str], separator: str) -> Sequence[str]:
    if separator == " ":
        return [line.strip().replace("\t", " ") for line in lines]
    return lines


def dialect(separator: str) -> dict[str, Any]:
    return {"delimiter": separator, "skipinitialspace": separator == " "}


def _is_data(cells: Sequence[str]) -> bool:
    """Whether one of them is a number or a time, which names of columns are not."""
    reader = TimeReader(None, ZoneInfo("UTC"))
    for cell in cells:
        if _NUMBER.match(cell):
            return True
        try:
            reader.micros(cell)
        except NotATime:
            continue
        return True
    return False


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """A name that is there twice gets its number: value, value_2."""
    met: dict[str, int] = {}
    distinct = []
    for name in names:
        met[name] = met.get(name, 0) + 1
        distinct.append(f"{name}_{met[name]}" if name and met[name] > 1 else name)
    return tuple(distinct)
