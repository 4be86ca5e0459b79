"""JSON as SDKs send it, into plain values that every later step can store.

Of duplicate keys the last one wins. Lone surrogates, NUL and what is no UTF-8 become U+FFFD. A
number beyond Float64 is kept as its digits, and what lies deeper than MAX_DEPTH levels as its JSON
text. NaN and Infinity, which Python's SDKs send, are null, as PostHog's Python took them: no batch
is lost for one of them.
"""

import json
import re
from typing import Any, Final

import msgspec

from services.command.capture.refusals import Undecodable

MAX_DEPTH: Final = 64
REPLACEMENT: Final = "\ufffd"

_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")
_NOT_JSON = "The request is not valid JSON."

_decode = msgspec.json.Decoder().decode


def parse(text: bytes) -> Any:
    """The value. Raises Undecodable, also for more nesting than the parser can follow."""
    try:
        try:
            value = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Slow and forgiving; only what the strict parser refused comes here.
            value = _clean(_forgiving(text))
        else:
            if b"\\u0000" in text:
                value = _clean(value)
        return _deep(value, text)
    except RecursionError as cause:
        raise Undecodable("invalid_input", "The JSON is nested too deeply.") from cause


def _forgiving(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8", "replace").removeprefix("\ufeff"),
            parse_float=_number,
            parse_int=_integer,
            parse_constant=lambda _: None,
        )
    except ValueError as cause:
        raise Undecodable("invalid_input", _NOT_JSON) from cause


def _number(digits: str) -> float | str:
    value = float(digits)
    return value if value - value == 0 else digits


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        # More than 4,300 of them.
        return digits


def clean_text(text: str) -> str:
    """Without NUL and lone surrogates."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(key): _clean(member) for key, member in value.items()}
        case list():
            return [_clean(member) for member in value]
        case _:
            return value


def _deep(value: Any, text: bytes) -> Any:
    # A cheap bound first: hardly any request opens more brackets than it may nest.
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return value
    return _cut(value, MAX_DEPTH) if _deeper_than(value, MAX_DEPTH) else value


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            member
            for holder in layer
            for member in (holder.values() if type(holder) is dict else holder)
            if type(member) is dict or type(member) is list
        ]
        if not layer:
            return False
    return True


def _cut(value: Any, levels: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return msgspec.json.encode(value).decode()
    if isinstance(value, dict):
        return {key: _cut(member, levels - 1) for key, member in value.items()}
    return [_cut(member, levels - 1) for member in value]
