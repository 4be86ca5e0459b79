"""Rows out of text with separators."""

import csv
from collections.abc import Iterator
from typing import Final

from services.embedded.importing.faults import BadRecord
from services.embedded.importing.formats import SeparatedRows, dialect
from services.embedded.importing.import_options import FileRow

# A cell may be as long as an event that a door takes.
LONGEST_CELL: Final = 20 * 1024 * 1024


def of_lines(
    lines: Iterator[str], form: SeparatedRows, missing: frozenset[str]
) -> Iterator[FileRow | BadRecord]:
    """Without the cells that are empty or mean nothing."""
    csv.field_size_limit(LONGEST_CELL)
    if form.separator == " ":
        lines = (line.strip().replace("\t", " ") for line in lines)
    reader = csv.reader(lines, strict=True, **dialect(form.separator))
    names, width = form.columns, len(form.columns)
    nothing = missing | {""}
    is_heading = form.has_heading
    while True:
        # A cell may hold line ends: a record is named by the line that it begins on.
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as cause:
            yield BadRecord(f"line {number}", _why(cause), is_last=True)
            return
        except BadRecord as bad:
            yield bad
            return
        if not cells:
            continue
        if is_heading:
            is_heading = False
            continue
        if len(cells) != width:
            if len(cells) < width or any(cells[width:]):
                yield BadRecord(f"line {number}", _width(len(cells), width, form))
                continue
            # Every line of some files ends with a separator.
            del cells[width:]
        yield FileRow(
            number,
            f"line {number}",
            {
                name: cell
                for name, cell in zip(names, cells, strict=True)
                if cell not in nothing and name
            },
        )


def _width(found: int, width: int, form: SeparatedRows) -> str:
    first = "the first line" if form.has_heading else "--columns"
    return f"has {found} cells, and {first} has {width}"


def _why(cause: csv.Error) -> str:
    match str(cause):
        case "unexpected end of data":
            return "not CSV: a quote is opened here and never closed"
        case text if text.startswith("field larger"):
            longest = f"{LONGEST_CELL:,} characters"
            return f"not CSV: a cell is longer than {longest}; a quote may be missing"
        case text:
            return f"not CSV: {text}"
