"""The words of an expression: numbers, texts, names and symbols."""

import re
from typing import Literal, get_args

import msgspec

from services.query.events.expressions.tree import NotServed

Kind = Literal["number", "text", "quoted", "name", "symbol", "end"]
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^'\\]|\\.|'')*')"
    r"|(?P<quoted>\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<symbol><=|>=|!=|<>|==|[=<>()\[\],.+*/-])",
    re.ASCII | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}


class Token(msgspec.Struct, frozen=True):
    kind: Kind
    text: str

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


def tokens(text: str) -> list[Token]:
    """All of them, the end last. Raises NotServed."""
    taken, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotServed(f"unexpected character '{text[at]}' at position {at + 1}")
        at = found.end()
        if found.lastgroup in _KINDS:
            taken.append(Token(_KINDS[found.lastgroup], found.group()))
    return [*taken, Token("end", "")]


def unquoted(token: str) -> str:
    """The text inside the quotes of a text or a name."""
    inner = token[1:-1].replace("''", "'") if token[0] == "'" else token[1:-1]
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner, flags=re.DOTALL)


def read_number(text: str) -> int | float:
    """Raises NotServed for one that no float holds."""
    if text.isdigit() and len(text) <= 18:
        return int(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotServed(f"'{text}' is too large a number")
    return value
