"""Values as PostHog's serializers take them, where they are not of the type of their field.

A number is a text of its digits, `"on"` is true, `"5"` is five, and texts that are marked `TRIMMED`
are taken without the white space around them. A value that a serializer refuses is left as it was
sent, for the decoder to name. Facts of Django REST Framework 3.15: CharField, BooleanField,
IntegerField.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, inspect

from contracts.api.text import TRIMMED

YES = frozenset({"t", "y", "yes", "true", "on", "1"})
NO = frozenset({"f", "n", "no", "false", "off", "0"})
# IntegerField.MAX_STRING_LENGTH.
LONGEST_NUMBER = 1_000

_NO_FRACTION = re.compile(r"\.0*\s*$")
_members = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])


class Text(msgspec.Struct, frozen=True):
    trim: bool


class Flag(msgspec.Struct, frozen=True):
    nullable: bool


class WholeNumber(msgspec.Struct, frozen=True):
    pass


class Document(msgspec.Struct, frozen=True):
    """A list or an object, taken as it is; a form spells it as JSON."""


class Items(msgspec.Struct, frozen=True):
    each: "Field"


class Members(msgspec.Struct, frozen=True):
    named: Mapping[str, "Field"]


class AnyValue(msgspec.Struct, frozen=True):
    """Anything else, and what may be of several types."""


Field = Text | Flag | WholeNumber | Document | Items | Members | AnyValue


def taken(body: bytes, kind: type[msgspec.Struct]) -> bytes:
    """The body as its serializer takes it; one that can't be read is left as it is."""
    members = members_of(kind)
    if not any(not isinstance(field, Document | AnyValue) for field in members.named.values()):
        return body
    try:
        return bytes(_taken(Raw(body), members))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body


def form_members(
    fields: Sequence[tuple[str, str]], kind: type[msgspec.Struct]
) -> dict[str, Raw | str | Sequence[Raw | str] | None]:
    """The members that a form spells, each as its field takes it.

    A list may be spelled as JSON, or by its name again for each item; of any other the last counts.
    An empty value is null where there is a null, and nothing sent where there is none.
    """
    named = members_of(kind).named
    sent: dict[str, list[str]] = {}
    for name, value in fields:
        sent.setdefault(name, []).append(value)
    return {
        name: _spelled(values, field)
        for name, values in sent.items()
        if isinstance(field := named.get(name, AnyValue()), Text)
        or values[-1]
        or field == WholeNumber()
    }


def json_or_text(value: str) -> Raw | str:
    """A list or an object, or null, as the JSON it spells; else the text itself."""
    if value.lstrip()[:1] in ("{", "[") or value == "null":
        try:
            msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
        return Raw(value.encode())
    return value


@cache
def members_of(kind: type[msgspec.Struct]) -> Members:
    """By the names that the members have on the wire."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return Members({field.encode_name: _field(field.type) for field in info.fields})


def _field(kind: inspect.Type, *, trim: bool = False, nullable: bool = False) -> Field:
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            return _field(inner, trim=trim or extra == TRIMMED, nullable=nullable)
        case inspect.UnionType(types=types):
            some = [each for each in types if not isinstance(each, inspect.NoneType)]
            return _field(some[0], nullable=True) if len(some) == 1 else AnyValue()
        case inspect.StrType():
            return Text(trim)
        case inspect.BoolType():
            return Flag(nullable)
        case inspect.IntType():
            return WholeNumber()
        case inspect.LiteralType(values=values) if all(type(value) is int for value in values):
            return WholeNumber()
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return Items(_field(item))
        case inspect.StructType(cls=cls):
            return members_of(cls)
        case inspect.RawType() | inspect.DictType():
            return Document()
        case _:
            return AnyValue()


def _taken(sent: Raw, field: Field) -> Raw:
    match field:
        case Members(named=named):
            if bytes(sent).lstrip()[:1] != b"{":
                return sent
            members = _members.decode(sent)
            changed = {
                name: new
                for name in named.keys() & members.keys()
                if (new := _taken(members[name], named[name])) is not members[name]
            }
            return Raw(msgspec.json.encode(members | changed)) if changed else sent
        case Items(each=Document() | AnyValue()) | Document() | AnyValue():
            return sent
        case Items(each=each):
            if bytes(sent).lstrip()[:1] != b"[":
                return sent
            items = _items.decode(sent)
            new_items = [_taken(item, each) for item in items]
            if all(new is old for new, old in zip(new_items, items, strict=True)):
                return sent
            return Raw(msgspec.json.encode(new_items))
        case Text() | Flag() | WholeNumber():
            value = msgspec.json.decode(sent)
            new = _value(value, field)
            same = new == value and type(new) is type(value)
            return sent if same else Raw(msgspec.json.encode(new))


def _value(value: Any, field: Text | Flag | WholeNumber) -> Any:
    match field:
        case Text(trim=trim):
            if isinstance(value, int | float) and not isinstance(value, bool):
                value = str(value)
            return value.strip() if trim and isinstance(value, str) else value
        case Flag(nullable=nullable):
            return _flag(value, nullable)
        case WholeNumber():
            return _whole(value)


def _flag(value: Any, nullable: bool) -> Any:
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else value
    if not isinstance(value, str):
        return value
    word = value.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    # Text that the decoder would take for a boolean of its own is none here.
    return None if nullable and word in ("", "null") else value


def _whole(value: Any) -> Any:
    if (
        isinstance(value, bool)
        or not isinstance(value, str | float)
        or len(str(value)) > LONGEST_NUMBER
    ):
        return value
    try:
        return int(_NO_FRACTION.sub("", str(value)))
    except ValueError:
        return value


def _spelled(values: list[str], field: Field) -> Raw | str | Sequence[Raw | str] | None:
    last = values[-1]
    match field:
        case Items(each=each):
            found = json_or_text(last) if len(values) == 1 else last
            if isinstance(found, Raw):
                return found
            return [value if isinstance(each, Text) else json_or_text(value) for value in values]
        case WholeNumber() if last == "":
            return None
        case Text() | Flag() | WholeNumber():
            return last
        case Document() | Members() | AnyValue():
            return json_or_text(last)
