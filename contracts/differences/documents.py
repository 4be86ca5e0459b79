"""Documents side by side: whether they differ, where, and the patch from one to the other.

The one place that knows `jsonpatch`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import jsonpatch
import msgspec
from msgspec import Raw

from contracts.differences.words import code, value

Json = Any

_ABSENT = object()
_EXACT = 2**53


def _number(text: str) -> float | int:
    """1.0 and 1e0 are 1: the spelling of a number does not count."""
    read = float(text)
    return int(read) if math.isfinite(read) and read.is_integer() and abs(read) < _EXACT else read


_decoder = msgspec.json.Decoder(float_hook=_number)


def decoded(document: Raw) -> Json:
    """To be compared by `alike`; not to be written back."""
    return _decoder.decode(document)


def alike(left: Json, right: Json) -> bool:
    """Whether two decoded documents are the same; the order of members does not count.

    `==` takes 1 for true; their texts differ.
    """
    return bool(left == right) and _text(left) == _text(right)


def _text(document: Json) -> bytes:
    return msgspec.json.encode(document, order="deterministic")


def same(left: Raw, right: Raw) -> bool:
    """Nested deeper than Python goes, they are the same only to the byte."""
    try:
        return bytes(left) == bytes(right) or alike(decoded(left), decoded(right))
    except RecursionError:
        return False


def patch(before: Raw, after: Raw) -> Raw:
    """RFC 6902. Applied to before it gives after, down to the spelling of numbers."""
    left, right = msgspec.json.decode(before), msgspec.json.decode(after)
    try:
        found = jsonpatch.JsonPatch.from_diff(left, right).patch
    except RecursionError:
        # Nested deeper than Python goes: the whole document is replaced.
        found = [{"op": "replace", "path": "", "value": right}]
    return Raw(msgspec.json.encode(found))


def patched(document: Raw, operations: Raw) -> Raw:
    """The document with an RFC 6902 patch applied. Raises jsonpatch's errors if it does not fit."""
    left, steps = msgspec.json.decode(document), msgspec.json.decode(operations)
    return Raw(msgspec.json.encode(jsonpatch.apply_patch(left, steps)))


def other_changes(path: str, before: Json, after: Json) -> list[str]:
    """A sentence for each place that differs: what is said where no rule knows better."""
    try:
        return list(_others(path, before, after))
    except RecursionError:
        return [f"{code(path)} changed."]


def member_changes(
    path: str, name: str, before: Mapping[str, Json], after: Mapping[str, Json]
) -> list[str]:
    """The same of one member of two objects; either may lack it."""
    left, right = before.get(name, _ABSENT), after.get(name, _ABSENT)
    return other_changes(joined(path, name), left, right)


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _others(path: str, before: Json, after: Json) -> Iterator[str]:
    match before, after:
        case dict(), dict():
            for name in [*before, *(name for name in after if name not in before)]:
                left, right = before.get(name, _ABSENT), after.get(name, _ABSENT)
                yield from _others(joined(path, name), left, right)
        case list(), list() if len(before) == len(after):
            for index, (left, right) in enumerate(zip(before, after, strict=True)):
                yield from _others(f"{path}[{index}]", left, right)
        case _ if before is _ABSENT:
            yield f"{code(path)} is {value(after)}."
        case _ if after is _ABSENT:
            yield f"{code(path)} removed (was {value(before)})."
        case _ if not alike(before, after):
            yield f"{code(path)} is {value(after)} instead of {value(before)}."
        case _:
            pass
