"""The column of each field of an event: named by an option, or known by its own name."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from services.embedded.importing.faults import NotEvents
from services.embedded.importing.import_options import FIELDS, ImportOptions

# Without case, and without what is no letter. A name stands for its field only if it is alone.
_OTHER_NAMES: Final = {
    "event": ("event", "eventname", "eventtype", "activity", "activityname"),
    "distinct_id": (
        "distinctid", "userid", "user", "customerid", "customer", "personid", "person", "visitorid",
        "clientid", "memberid", "accountid", "userpseudoid", "anonymousid", "uid",
    ),
    "timestamp": (
        "timestamp", "time", "date", "datetime", "eventtime", "eventtimestamp", "eventdate",
        "createdat", "occurredat", "happenedat", "ts", "orderdate", "purchasedate", "invoicedate",
    ),
}  # fmt: skip
# Within `properties`, where some programs put them.
_INSIDE: Final = {
    "distinct_id": ("distinct_id", "$distinct_id"),
    "timestamp": ("timestamp", "time", "$time"),
}
_ASKS: Final = {
    "event": "what happened (or --event NAME, if every row is the same event)",
    "distinct_id": "who did it",
    "timestamp": "when it happened",
}


class Fields(msgspec.Struct, frozen=True):
    """columns: field -> column, or a path with dots into objects; only fields that are there.

    event: the name of every event without a column for it. properties: the columns that become
    some; None when the column `properties` holds them.
    """

    columns: Mapping[str, str]
    event: str | None
    properties: Sequence[str] | None


def has_field_names(names: Sequence[str], reading: ImportOptions) -> bool:
    """Whether one of them is named as a field's column, or known as one."""
    return any(
        name in reading.names.values() or name in FIELDS or _known(name) for name in names if name
    )


def chosen(seen: Collection[str], inside: Collection[str], reading: ImportOptions) -> Fields:
    """seen: the columns, in order. inside: the members of `properties`, where that is an object.

    Raises NotEvents with the words that say which option to give.
    """
    columns: dict[str, str] = {}
    for field in FIELDS:
        if field in reading.names:
            columns[field] = _named(field, reading.names[field], seen)
        elif field in seen:
            columns[field] = field
        elif field in _OTHER_NAMES and not (field == "event" and reading.event):
            found = _found(field, seen, inside)
            if found is not None:
                columns[field] = found
    missing = [
        field
        for field in _ASKS
        if field not in columns and not (field == "event" and reading.event)
    ]
    if missing:
        raise NotEvents(
            f"Nothing says {' and '.join(_ASKS[field] for field in missing)}. The columns are"
            f" {_listed(seen)}. Say which:"
            f" {' '.join(f'--map {field}=COLUMN' for field in missing)}."
        )
    taken = set(columns.values())
    rest = (
        None if "properties" in columns else [name for name in seen if name and name not in taken]
    )
    return Fields(columns, reading.event, rest)


def _named(field: str, column: str, seen: Collection[str]) -> str:
    if column in seen or column.partition(".")[0] in seen:
        return column
    near = difflib.get_close_matches(column, [name for name in seen if name], n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise NotEvents(
        f"There is no column {column!r} for {field}.{meant} The columns are {_listed(seen)}."
    )


def _found(field: str, seen: Collection[str], inside: Collection[str]) -> str | None:
    found = [name for name in seen if _known(name) == field]
    if len(found) > 1:
        choices = " or ".join(f"--map {field}={name}" for name in found)
        raise NotEvents(
            f"{_listed(found)} may each say {_ASKS[field].partition(' (')[0]}."
            f" Say which: {choices}."
        )
    if found:
        return found[0]
    return next((f"properties.{name}" for name in _INSIDE.get(field, ()) if name in inside), None)


def _known(name: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return next((field for field, names in _OTHER_NAMES.items() if plain in names), None)


def _listed(names: Collection[str]) -> str:
    shown = [repr(name) for name in names if name]
    more = f" and {len(shown) - 30} more" if len(shown) > 30 else ""
    return ", ".join(shown[:30]) + more
