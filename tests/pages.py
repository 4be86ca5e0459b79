"""What the repository's pages show: fenced blocks, and JSON in which … stands for the rest."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

REST = "…"
_FENCED = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^#{2,6} (.+)$", re.M)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|…|[\[\]{},:]|[^\s\[\]{},:"…]+')


class Block(msgspec.Struct, frozen=True):
    """form: the word after the fence."""

    form: str
    text: str


class Section(msgspec.Struct, frozen=True):
    """From one heading to the next. words: all of it, the blocks included."""

    heading: str
    words: str

    @property
    def blocks(self) -> list[Block]:
        return [Block(form, text.rstrip("\n")) for form, text in _FENCED.findall(self.words)]


def sections(page: str) -> Iterator[Section]:
    """In order, without what stands before the first heading; a # within a block is no heading."""
    hidden = _FENCED.sub(lambda block: " " * len(block[0]), page)
    found = list(_HEADING.finditer(hidden))
    ends = [*(heading.start() for heading in found[1:]), len(page)]
    for heading, end in zip(found, ends, strict=True):
        yield Section(heading[1], page[heading.end() : end])


def shown_json(text: str) -> Any:
    """The JSON of a page. … is a value, the rest of a list, or the other members of an object."""
    pieces: list[str] = []
    within: list[str] = []
    for piece in _PIECE.findall(text):
        if piece in "[{":
            within.append(piece)
        elif piece in "]}":
            within.pop()
        elif piece == REST:
            a_name_is_due = within[-1:] == ["{"] and pieces[-1] in "{,"
            piece = f'"{REST}":"{REST}"' if a_name_is_due else f'"{REST}"'
        pieces.append(piece)
    return json.loads("".join(pieces))


def differences(shown: Any, found: Any, place: str = "", *, leeway: float = 0.0) -> Iterator[str]:
    """Where an answer is not what the page shows of it; nothing when it is.

    leeway: of numbers, as a share of the one shown.
    """
    match shown:
        case str() if REST in shown:
            if shown != REST and not spelled(shown, found):
                yield f"{place}: {found!r} is not like {shown!r}"
        case dict() if isinstance(found, dict):
            yield from _members(shown, found, place, leeway)
        case list() if isinstance(found, list):
            yield from _items(shown, found, place, leeway)
        case float() | int() if isinstance(found, float | int):
            same_kind = isinstance(shown, bool) == isinstance(found, bool)
            if not same_kind or abs(found - shown) > leeway * abs(shown):
                yield f"{place}: {found!r} is not {shown!r}"
        case _:
            if shown != found:
                yield f"{place}: {found!r} is not {shown!r}"


def _members(
    shown: dict[str, Any], found: dict[str, Any], place: str, leeway: float
) -> Iterator[str]:
    for name, wanted in shown.items():
        if name == REST:
            continue
        if name in found:
            yield from differences(wanted, found[name], f"{place}.{name}", leeway=leeway)
        else:
            yield f"{place}.{name} is missing"
    if REST not in shown:
        yield from (f"{place}.{name} is not shown" for name in found.keys() - shown.keys())


def _items(shown: list[Any], found: list[Any], place: str, leeway: float) -> Iterator[str]:
    told = shown[:-1] if shown[-1:] == [REST] else shown
    if len(found) < len(told) or (told is shown and len(found) != len(told)):
        yield f"{place}: {len(found)} items and not {len(told)}"
    for number, (wanted, item) in enumerate(zip(told, found, strict=False)):
        yield from differences(wanted, item, f"{place}[{number}]", leeway=leeway)


def spelled(shown: str, found: Any) -> bool:
    """Whether the text is the one shown, in which … stands for any other text."""
    pattern = ".*".join(map(re.escape, shown.split(REST)))
    return isinstance(found, str) and re.fullmatch(pattern, found, re.S) is not None
