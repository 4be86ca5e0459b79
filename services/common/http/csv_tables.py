"""Any JSON answer as CSV: one row per element of its list, one for a single object."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

LISTS = ("results", "result")
"""Under which an answer has its list."""

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(body: bytes, kind: Any) -> bytes:
    """A header, then the rows; RFC 4180, UTF-8.

    The list is the answer itself, or its `results`, or its `result`. Columns are the members in
    the order in which they first appear; nested objects dotted, lists as JSON text, null empty.
    kind: what the answer is an instance of, which tells the columns where there is no row.
    """
    elements, named = _elements(msgspec.json.decode(body))
    rows = [dict(_cells(element, "")) for element in elements]
    columns = list(dict.fromkeys(name for row in rows for name in row)) or named or columns_of(kind)
    return _written(columns, ([row.get(name, "") for name in columns] for row in rows))


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """The same of rows whose columns are known: a value in each."""
    return _written(columns, ([_cell(value) for value in row] for row in rows))


def _written(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(name) for name in columns])
    writer.writerows(rows)
    return text.getvalue().encode()


def columns_of(kind: Any) -> list[str]:
    """The header of an answer of this type: what its rows have at least."""
    return list(dict.fromkeys(_columns(inspect.type_info(kind), "", of_rows=True)))


def _columns(kind: inspect.Type, name: str, *, of_rows: bool = False) -> Iterator[str]:
    match kind:
        case inspect.Metadata(extra={"rows": row}) if of_rows:
            yield from _columns(inspect.type_info(row), name)
        case inspect.Metadata(type=inner):
            yield from _columns(inner, name, of_rows=of_rows)
        case inspect.UnionType(types=types) if any(
            isinstance(each, inspect.StructType) for each in types
        ):
            for each in types:
                if isinstance(each, inspect.StructType):
                    yield from _columns(each, name)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) if of_rows:
            yield from _columns(item, name, of_rows=isinstance(item, inspect.Metadata))
        case inspect.StructType(fields=fields):
            list_ = next((each for each in fields if each.encode_name in LISTS), None)
            if of_rows and list_ is not None:
                yield from _columns(list_.type, name, of_rows=True)
                return
            if isinstance(kind.tag, str) and kind.tag_field is not None:
                yield f"{name}.{kind.tag_field}" if name else kind.tag_field
            for field in fields:
                if not _may_be_left_out(field):
                    inside = f"{name}.{field.encode_name}" if name else field.encode_name
                    yield from _columns(field.type, inside)
        case _:
            yield name or "value"


def _may_be_left_out(field: inspect.Field) -> bool:
    """Whether its default is UNSET, which msgspec tells of as no default."""
    has_default = (field.default, field.default_factory) != (msgspec.NODEFAULT, msgspec.NODEFAULT)
    return not field.required and not has_default


def _elements(answer: Any) -> tuple[list[Any], list[str]]:
    """The rows, and the names of the columns where the answer tells them apart from its rows."""
    named: list[str] = []
    if isinstance(answer, dict):
        named = answer.get("columns") or []
        for name in LISTS:
            if isinstance(answer.get(name), list):
                answer = answer[name]
                break
        else:
            named = []
    elements = answer if isinstance(answer, list) else [answer]
    if named and all(isinstance(element, list) for element in elements):
        return [dict(zip(named, element, strict=False)) for element in elements], named
    # A breakdown's answer is a list of lists of steps.
    return [
        part
        for element in elements
        for part in (element if isinstance(element, list) else [element])
    ], named


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
