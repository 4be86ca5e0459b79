"""A fact without its contents: what an erasure puts in its place.

One rule for all facts, by the types of their fields: texts go, documents are empty, lists of people
are empty; numbers, levels, times and what is one of a few words stay. So a new fact is covered from
its first day. A text that we wrote ourselves, and that the fact is of no use without, is named in
KEPT; a type that no rule knows is a TypeError, which a test finds.
"""

import types
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.events.recorded import DomainEvent
from contracts.json import NULL

ERASED = "[erased]"
"""In the place of a text that can't be null."""

KEPT = frozenset({
    ("InsightCreated", "short_id"),
    ("WebhookSettings", "types"),
    ("WebhookCreated", "public_key"),
    ("WebhookSecretRotated", "public_key"),
    ("WebhookLaneParked", "lane"),
    ("WebhookLaneParked", "error"),
    ("WebhookLaneReleased", "lane"),
    ("BusConsumerCreated", "key"),
    ("BusConsumerCreated", "types"),
    ("BusConsumerTypesChanged", "types"),
    ("BusConsumerTypesChanged", "previous"),
    ("ProjectRegistered", "timezone"),
    ("ProjectTimezoneChanged", "timezone"),
    ("ProjectTimezoneChanged", "previous"),
    ("ReadsSealed", "root"),
    ("PayloadErased", "erased_type"),
    ("PayloadErased", "commitment"),
    ("PayloadErased", "fields"),
    ("PayloadErased", "reads"),
    ("ErasureCompleted", "counts"),
    ("KeyRotated", "old"),
    ("KeyRotated", "new"),
    ("RowHealed", "projection"),
    ("RowHealed", "key"),
    ("KeyCreated", "key_id"),
    ("KeyCreated", "scopes"),
    ("KeyRevoked", "key_id"),
})  # fmt: skip
"""Struct and field: words of ours, checked against lists of ours."""

PEOPLE = frozenset({("CohortPeopleAdded", "person_ids")})
"""Struct and field: ids of persons. All other UUIDs name things of Recount."""

NO_DOCUMENT = frozenset({
    ("InsightCreated", "query"),
    ("InsightQueryChanged", "query"),
    ("InsightQueryChanged", "previous"),
})  # fmt: skip
"""Struct and field: documents that are null where there is none, and never an empty object."""

Change = Callable[[Any], Any]
E = TypeVar("E", bound=DomainEvent)


class Redacted(msgspec.Struct, frozen=True):
    """fields: those that lost their value, in their order; of a Struct inside, `settings.host`."""

    event: DomainEvent
    fields: tuple[str, ...]


def redacted(event: DomainEvent) -> Redacted:
    """The fact without texts, documents and people."""
    fields: list[str] = []
    return Redacted(_without(event, _plain, "", fields), tuple(fields))


def without_people(event: DomainEvent, people: frozenset[UUID]) -> Redacted:
    """The fact without these people, and with everything else."""

    def change(kind: type, name: str) -> Change | None:
        if (kind.__name__, name) not in PEOPLE:
            return None
        return lambda ids: tuple(each for each in ids if each not in people)

    fields: list[str] = []
    return Redacted(_without(event, change, "", fields), tuple(fields))


def contents(event: DomainEvent) -> Iterator[tuple[str, bytes]]:
    """What an erasure would take of the fact: each text and document as JSON, with its field.

    Of several texts in one field each by itself. People are not among them.
    """
    yield from _contents(event, "")


def people(event: DomainEvent) -> frozenset[UUID]:
    """The persons whom it names."""
    kind = type(event)
    return frozenset(
        each
        for name in kind.__struct_fields__
        if (kind.__name__, name) in PEOPLE
        for each in getattr(event, name)
    )


def _contents(struct: Any, within: str) -> Iterator[tuple[str, bytes]]:
    kind: Any = type(struct)
    for name in kind.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, msgspec.Struct):
            yield from _contents(value, f"{within}{name}.")
        elif name not in _changes(kind) or (kind.__name__, name) in PEOPLE:
            continue
        elif isinstance(value, Raw):
            if not _same(_emptied(value), value) and not _same(NULL, value):
                yield f"{within}{name}", bytes(value)
        else:
            for text in (value,) if isinstance(value, str) else value or ():
                if text not in ("", ERASED):
                    yield f"{within}{name}", msgspec.json.encode(text)


def _plain(kind: type, name: str) -> Change | None:
    return _changes(kind).get(name)


def _without(
    struct: Any, change_of: Callable[[type, str], Change | None], within: str, fields: list[str]
) -> Any:
    kind: Any = type(struct)
    changed: dict[str, Any] = {}
    for name in kind.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, msgspec.Struct):
            after: Any = _without(value, change_of, f"{within}{name}.", fields)
        else:
            change = change_of(kind, name)
            after = value if change is None else change(value)
            if _same(after, value):
                continue
            fields.append(f"{within}{name}")
        changed[name] = after
    return msgspec.structs.replace(struct, **changed)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Raw) and isinstance(other, Raw):
        return bytes(one) == bytes(other)
    return bool(one == other)


@cache
def _changes(kind: type) -> dict[str, Change]:
    """Of a Struct's fields, those that lose something. Raises TypeError for a type without rule."""
    return {
        field.name: change
        for field in msgspec.structs.fields(kind)
        if (kind.__name__, field.name) not in KEPT
        and (change := _change(kind, field.name, field.type)) is not None
    }


def _change(kind: type, name: str, of: Any) -> Change | None:
    members = list(_members(of))
    if members == [str]:
        return lambda _: ERASED
    if str in members:
        return lambda _: None
    found = [_rule(kind, name, member) for member in members if member is not type(None)]
    return next((change for change in found if change is not None), None)


def _members(of: Any) -> Iterator[Any]:
    if get_origin(of) in (Union, types.UnionType):
        for member in get_args(of):
            yield from _members(member)
    else:
        yield of


def _rule(kind: type, name: str, of: Any) -> Change | None:
    """Of a type that is no text and no union. None: it stays, or is a Struct of its own."""
    if of is Raw:
        return _without_document if (kind.__name__, name) in NO_DOCUMENT else _emptied
    if (kind.__name__, name) in PEOPLE:
        return lambda _: ()
    if of in (int, float, bool, UUID, datetime) or get_origin(of) is Literal:
        return None
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return None
    if get_origin(of) is tuple and (inner := get_args(of)[0]) is not ...:
        if inner is str:
            return lambda _: ()
        if _rule(kind, name, inner) is None and not _is_struct(inner):
            return None
    raise TypeError(f"no rule says what an erasure leaves of {kind.__name__}.{name}: {of}")


def _is_struct(of: Any) -> bool:
    return isinstance(of, type) and issubclass(of, msgspec.Struct)


def _without_document(_: Raw) -> Raw:
    return NULL


def _emptied(document: Raw) -> Raw:
    """The document of the same kind that says nothing."""
    return {b"{": Raw(b"{}"), b"[": Raw(b"[]")}.get(bytes(document)[:1], NULL)
