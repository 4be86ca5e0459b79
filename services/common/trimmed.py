"""Bodies without the white space around the texts that are taken without it."""

from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, inspect

from contracts.api.text import TRIMMED

_members = msgspec.json.Decoder(dict[str, Raw])


def trimmed(body: bytes, kind: type[msgspec.Struct]) -> bytes:
    """The body with each string trimmed that `kind` marks so, alone or in a list; the rest, and a
    body that can't be read, is left as it is.
    """
    names = _marked(kind)
    if not names:
        return body
    try:
        members = _members.decode(body)
        sent = {name: msgspec.json.decode(members[name]) for name in names & members.keys()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    changed = {
        name: Raw(msgspec.json.encode(text))
        for name, value in sent.items()
        if (text := _stripped(value)) != value
    }
    return msgspec.json.encode(members | changed) if changed else body


def _stripped(value: Any) -> Any:
    """A string, or the strings of a list, without what is around them; anything else as it is."""
    match value:
        case str():
            return value.strip()
        case list():
            return [each.strip() if isinstance(each, str) else each for each in value]
        case _:
            return value


@cache
def _marked(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The members, as they are called on the wire, whose type says `TRIMMED`."""
    info = inspect.type_info(kind)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return frozenset(field.encode_name for field in fields if _is_marked(field.type))


def _is_marked(kind: inspect.Type) -> bool:
    match kind:
        case inspect.Metadata(extra=extra) if extra == TRIMMED:
            return True
        case inspect.UnionType(types=types):
            return any(map(_is_marked, types))
        case inspect.VarTupleType(item_type=item):
            return _is_marked(item)
        case _:
            return False
