"""Pieces of sentences: names, values, numbers with their units, lists."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

Json = Any
MOST_SHOWN = 100
"""Characters of a value; the rest is cut off."""
_MOST_LISTED = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def quoted(name: str) -> str:
    """A name that somebody gave, whole."""
    return f'"{_CONTROL.sub(" ", name)}"'


def plain(text: str) -> str:
    """An event, a property, a value: as it is; what would not be seen is quoted, and long ones
    are cut.
    """
    shown = cut(_CONTROL.sub(" ", text))
    return shown if shown.strip() else quoted(shown)


def cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def code(text: str) -> str:
    """A path or an expression."""
    return f"`{cut(_CONTROL.sub(' ', text)).replace('`', chr(39))}`"


def value(document: Json) -> str:
    """Any part of a document as compact JSON, cut where it is long."""
    return cut(msgspec.json.encode(document, order="deterministic").decode())


def either(shown: Sequence[str]) -> str:
    """a, b or c; of many, the first few."""
    return _listed(shown, "or")


def all_of(shown: Sequence[str]) -> str:
    """a, b and c; of many, the first few."""
    return _listed(shown, "and")


def _listed(shown: Sequence[str], word: str) -> str:
    if len(shown) > _MOST_LISTED:
        rest = len(shown) - _MOST_LISTED
        shown = [*shown[:_MOST_LISTED], f"{rest:,} more"]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {word} {shown[-1]}"


def count(number: Json, unit: str) -> str:
    """1 day, 7 days."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def named(kind: str, number: int, name: str | None) -> str:
    """dashboard "Growth" (12), or dashboard 12 where it has no name."""
    return f"{kind} {quoted(name)} ({number})" if name else f"{kind} {number}"


def is_text(*values: object) -> bool:
    return all(isinstance(each, str) for each in values)


def texts(values: Iterable[object]) -> list[str]:
    return [each for each in values if isinstance(each, str)]
