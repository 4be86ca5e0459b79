"""Any JSON answer as CSV: one row per element of its list, one for a single object."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(body: bytes) -> bytes:
    """A header, then the rows; RFC 4180, UTF-8.

    The list is the answer itself, or its `results`, or its `result`. Columns are the members in
    the order in which they first appear; nested objects dotted, lists as JSON text, null empty.
    """
    rows = [dict(_cells(element, "")) for element in _elements(msgspec.json.decode(body))]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(name) for name in columns])
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return text.getvalue().encode()


def _elements(answer: Any) -> list[Any]:
    if isinstance(answer, dict):
        for name in ("results", "result"):
            if isinstance(answer.get(name), list):
                answer = answer[name]
                break
    elements = answer if isinstance(answer, list) else [answer]
    # A breakdown's answer is a list of lists of steps.
    return [
        part
        for element in elements
        for part in (element if isinstance(element, list) else [element])
    ]


def _cells(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, member in value.items():
            yield from _cells(member, f"{name}.{key}" if name else key)
    else:
        yield name or "value", _cell(value)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return _harmless(value)
        case bool() | dict() | list():
            return msgspec.json.encode(value).decode()
        case _:
            # A negative number begins with a minus and is no formula.
            return str(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
