"""Actors as an ActorsQuery wants them: rows of chosen columns."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.people import AnyActor, PersonActor
from contracts.queries.errors import invalid_input
from services.query.people.page import ActorRow

DEFAULT = ("actor", "id", "created_at")
COUNTED = ("actor", "created_at", "event_count")
"""Of people with counted events."""
_PROPERTIES = ("properties.", "person.properties.", "actor.properties.", "group.properties.")
_NAMED = re.compile(r"(?P<column>.+?)\s+AS\s+`?\w+`?", re.ASCII | re.IGNORECASE)
_object = msgspec.json.Decoder(dict[str, Any])


class TableColumn(msgspec.Struct, frozen=True):
    """type: as ClickHouse calls it, for clients that lay out tables by it.

    sent: as the client wrote it, which is what the answer calls it.
    """

    name: str
    type: str
    of: Callable[[AnyActor], object]
    sent: str = ""


def columns(select: Sequence[str] | None, *, counted: bool = False) -> list[TableColumn]:
    """counted: of people with counted events. Raises InvalidQuery for what actors do not have."""
    return [_sent(column) for column in select or (COUNTED if counted else DEFAULT)]


def rows(chosen: Sequence[TableColumn], page: Iterable[ActorRow]) -> list[list[object]]:
    """One per actor of the page; of those without a record only the id and the events are known."""
    return [
        [
            _of_unknown(column, row) if row.shown is None else column.of(row.shown)
            for column in chosen
        ]
        for row in page
    ]


def _of_unknown(column: TableColumn, row: ActorRow) -> object:
    match column.name:
        case "actor" | "person" | "group":
            return {"id": row.id}
        case "id" | "actor_id":
            return row.id
        case "event_count":
            return row.events
        case _:
            return None


def _sent(sent: str) -> TableColumn:
    """sent: a column, also `column AS name`."""
    column = sent.strip()
    named = _NAMED.fullmatch(column)
    return msgspec.structs.replace(_column(named["column"] if named else column), sent=column)


def _column(name: str) -> TableColumn:
    match name:
        case "actor" | "person" | "group":
            return TableColumn(name, "Tuple", lambda actor: actor)
        case "id" | "actor_id":
            return TableColumn(name, "UUID", lambda actor: actor.id)
        case "created_at":
            return TableColumn(
                name, "Nullable(DateTime64(6, 'UTC'))", lambda actor: actor.created_at
            )
        case "name" | "person_display_name":
            return TableColumn(name, "String", lambda actor: actor.name)
        case "is_identified":
            return TableColumn(
                name, "Nullable(UInt8)", lambda actor: _person(actor, "is_identified")
            )
        case "distinct_ids" | "event_distinct_ids":
            return TableColumn(name, "Array(String)", lambda actor: _person(actor, "distinct_ids"))
        case "matched_events" | "matched_recordings":
            return TableColumn(name, "Array(Tuple)", lambda actor: getattr(actor, name))
        case "event_count":
            return TableColumn(name, "Nullable(UInt64)", lambda actor: actor.value_at_data_point)
        case "properties":
            return TableColumn(name, "String", lambda actor: actor.properties)
        case "person.$delete":
            # A button of PostHog's table, which needs to know whom it is for.
            return TableColumn(name, "UUID", lambda actor: actor.id)
        case _:
            return _property(name)


def _property(name: str) -> TableColumn:
    for prefix in _PROPERTIES:
        if key := name.removeprefix(prefix) if name.startswith(prefix) else "":
            return TableColumn(name, "Nullable(String)", lambda actor: _properties(actor).get(key))
    raise invalid_input("query__select", f"Column {name[:100]} cannot be selected here.")


def _properties(actor: AnyActor) -> dict[str, Any]:
    sent = actor.properties
    return _object.decode(sent) if isinstance(sent, Raw) else dict(sent)


def _person(actor: AnyActor, field: str) -> object:
    return getattr(actor, field) if isinstance(actor, PersonActor) else None
