"""Takes a change of a JSON document back, on the document as it is now.

By the values alone, place by place: which words a patch of the same change would use makes no
difference. Members of objects are places of their own. A list whose elements came, went, moved or
became others is one place as a whole; where the same elements only changed inside, the places are
in them.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw

from contracts.json import NULL


class _Missing(Enum):
    MISSING = "missing"


_MISSING: Final = _Missing.MISSING
_Value = None | bool | int | Decimal | str | list[Any] | dict[str, Any] | _Missing

Verdict = Literal["free", "already", "conflict"]

# Numbers are kept as they are spelled.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encoder = msgspec.json.Encoder(decimal_format="number")
_names = msgspec.json.Encoder(decimal_format="number", order="sorted")


class Place(msgspec.Struct, frozen=True):
    """One place that a change touched. path: a JSON Pointer; empty for the whole document.

    verdict: free: it is as the change left it. already: it is as the change found it.
    conflict: it is neither. left, now: `null` where there is nothing.
    """

    path: str
    verdict: Verdict
    left: Raw
    now: Raw


class Reversal(msgspec.Struct, frozen=True):
    """document: as it is now, with all that is free as the change found it."""

    document: Raw
    places: tuple[Place, ...]


def reverse(found: Raw, left: Raw, now: Raw) -> Reversal:
    """Take back what turned `found` into `left`, and leave alone what came after."""
    value, places = _judge(_decode(found), _decode(left), _decode(now), "")
    if all(place.verdict != "free" for place in places):
        document = now
    else:
        document = found if same_document(left, now) else _raw(value)
    return Reversal(document, tuple(places))


def same_document(one: Raw, other: Raw) -> bool:
    """Key order and number spelling do not count; `true` is not 1."""
    return bytes(one) == bytes(other) or _same(_decode(one), _decode(other))


def differ_at(path: str, one: Raw, other: Raw) -> bool:
    """Whether two documents differ at that place, or below it."""
    return not _same(_at(path, _decode(one)), _at(path, _decode(other)))


def _judge(found: _Value, left: _Value, now: _Value, path: str) -> tuple[_Value, list[Place]]:
    """The value with all that is free put back, and each place that was touched."""
    if _same(found, left):
        return now, []
    if isinstance(found, dict) and isinstance(left, dict) and isinstance(now, dict):
        return _judge_members(found, left, now, path)
    if isinstance(found, list) and isinstance(left, list) and isinstance(now, list):
        return _judge_list(found, left, now, path)
    return _judge_whole(found, left, now, path)


def _judge_whole(found: _Value, left: _Value, now: _Value, path: str) -> tuple[_Value, list[Place]]:
    if _same(now, left):
        return found, [Place(path, "free", _raw(left), _raw(now))]
    verdict: Verdict = "already" if _same(now, found) else "conflict"
    return now, [Place(path, verdict, _raw(left), _raw(now))]


def _judge_members(
    found: dict[str, Any], left: dict[str, Any], now: dict[str, Any], path: str
) -> tuple[_Value, list[Place]]:
    judged: dict[str, Any] = {}
    places: list[Place] = []
    for key in dict.fromkeys((*now, *left, *found)):
        value, inner = _judge(
            found.get(key, _MISSING),
            left.get(key, _MISSING),
            now.get(key, _MISSING),
            f"{path}/{_escaped(key)}",
        )
        places += inner
        if value is not _MISSING:
            judged[key] = value
    return judged, places


def _judge_list(
    found: list[Any], left: list[Any], now: list[Any], path: str
) -> tuple[_Value, list[Place]]:
    names = [_name(each) for each in left]
    if [_name(each) for each in found] != names:
        return _judge_whole(found, left, now, path)
    told_apart = len(set(names)) == len(names)
    if not (_same(now, left) or (told_apart and [_name(each) for each in now] == names)):
        if told_apart and _is_back(found, left, now):
            return now, [Place(path, "already", _raw(left), _raw(now))]
        return _judge_whole(found, left, now, path)
    judged: list[Any] = []
    places: list[Place] = []
    for index, values in enumerate(zip(found, left, now, strict=True)):
        value, inner = _judge(*values, f"{path}/{index}")
        judged.append(value)
        places += inner
    return judged, places


def _is_back(found: list[Any], left: list[Any], now: list[Any]) -> bool:
    """Whether each element that was touched is here, and as it was found, among others."""
    here = {_name(each): each for each in now}
    touched = [pair for pair in zip(found, left, strict=True) if not _same(*pair)]
    return len(here) == len(now) and all(
        (name := _name(after)) in here
        and all(place.verdict == "already" for place in _judge(before, after, here[name], "")[1])
        for before, after in touched
    )


def _name(element: Any) -> bytes:
    return _names.encode(_identity(element))


def _identity(element: Any) -> Any:
    """What an element is, whatever else is said of it: its event, action or key; of a group, its
    members. Anything else is all that it says.
    """
    if not isinstance(element, dict):
        return element
    inside = [
        [_identity(each) for each in members]
        for member in ("nodes", "values")
        if isinstance(members := element.get(member), list)
    ]
    told = {each: element[each] for each in ("event", "id", "key", "property") if each in element}
    if not told and not inside and "kind" not in element:
        return element
    return [element.get("kind"), element.get("type"), told, inside]


def _same(one: _Value, other: _Value) -> bool:
    # Python takes true for 1.
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def _at(path: str, value: _Value) -> _Value:
    for step in _steps(path):
        if isinstance(value, dict):
            value = value.get(step, _MISSING)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _steps(path: str) -> Iterator[str]:
    parts: Sequence[str] = path.split("/")[1:]
    return (part.replace("~1", "/").replace("~0", "~") for part in parts)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _raw(value: _Value) -> Raw:
    return NULL if value is _MISSING else Raw(_encoder.encode(value))
