"""JSON as SDKs send it, into plain values that every later step can store.

Of duplicate keys the last one wins. Lone surrogates, NUL and what is no UTF-8 become U+FFFD. A
number beyond Float64 is kept as its digits, and what lies deeper than MAX_DEPTH levels as its JSON
text. NaN and Infinity, which Python's SDKs send, are null, as PostHog's Python took them: no batch
is lost for one of them.

A large request is taken apart first, and each event then parsed by itself: no call into the parser
is long.
"""

import json
import re
from typing import Any, Final

import msgspec
from msgspec import Raw

from services.command.capture.refusals import NotJson, TooLarge
from services.common.http.apart import LARGE_BYTES
from services.common.http.bounds import MOST_VALUES, values_in

MAX_DEPTH: Final = 64
# The object with the batch, and its list.
_ABOVE: Final = 2
REPLACEMENT: Final = "\ufffd"

_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")
_NOT_JSON = "The request is not valid JSON."

# Of all events of a request; of one event, its text and what is in it. No SDK comes near.
MOST_COMMAS: Final = 2_000_000
MOST_EVENT_BYTES: Final = 4 * 1024 * 1024

_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_BOM: Final = b"\xef\xbb\xbf"
# Each escape, one by one: a pair of surrogates, one that is alone, anything else.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<alone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

# NaN and Infinity, where they are no part of a string.
_BARE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|(?P<bare>-?Infinity|NaN)', re.DOTALL)


def opened(text: bytes) -> Any:
    """The value, of a large text only as far as its events: those are Raw, for `event`.

    A list's items, the items of an object's `batch`, or what stands alone. Raises NotJson, and
    TooLarge for more than any client sends.
    """
    if len(text) <= LARGE_BYTES:
        return parse(text)
    if text.count(b",") > MOST_COMMAS:
        raise TooLarge("too_large", f"The request has more than {MOST_COMMAS:,} values.")
    try:
        return _opened(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError as cause:
        raise NotJson("invalid_input", "The JSON is nested too deeply.") from cause
    try:
        return _opened(_repaired(text))
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise NotJson("invalid_input", _NOT_JSON) from cause
    except RecursionError as cause:
        raise NotJson("invalid_input", "The JSON is nested too deeply.") from cause


def _opened(text: bytes) -> Any:
    if text.lstrip()[:1] == b"[":
        return _items(text)
    members = _members(text)
    if "batch" not in members:
        return event(Raw(text))
    batch = members.pop("batch")
    rest = {name: event(value) for name, value in members.items()}
    is_list = memoryview(batch)[0] == ord("[")
    return {**rest, "batch": _items(batch) if is_list else event(batch)}


def _repaired(text: bytes) -> bytes:
    """Text that a strict parser takes, where only its characters were at fault."""
    whole = text.decode("utf-8", "replace").encode().removeprefix(_BOM)
    whole = _BARE.sub(lambda found: b"null" if found["bare"] else found[0], whole)
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["alone"] else found[0], whole)


def event(found: Any) -> Any:
    """One of what `opened` has found, whole. Raises NotJson and TooLarge."""
    if not isinstance(found, Raw):
        return found
    text = bytes(found)
    if len(text) > MOST_EVENT_BYTES or values_in(text) > MOST_VALUES:
        raise TooLarge("too_large", "The event is too large.")
    return parse(text, MAX_DEPTH - _ABOVE)


def parse(text: bytes, depth: int = MAX_DEPTH) -> Any:
    """The value. Raises NotJson, also for more nesting than the parser can follow."""
    try:
        try:
            value = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Slow and forgiving; only what the strict parser refused comes here.
            value = _clean(_forgiving(text))
        else:
            if b"\\u0000" in text:
                value = _clean(value)
        return _deep(value, text, depth)
    except RecursionError as cause:
        raise NotJson("invalid_input", "The JSON is nested too deeply.") from cause


def _forgiving(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8", "replace").removeprefix("\ufeff"),
            parse_float=_number,
            parse_int=_integer,
            parse_constant=lambda _: None,
        )
    except ValueError as cause:
        raise NotJson("invalid_input", _NOT_JSON) from cause


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


def _deep(value: Any, text: bytes, depth: int) -> Any:
    # A cheap bound first: hardly any request opens more brackets than it may nest.
    if text.count(b"{") + text.count(b"[") <= depth:
        return value
    return _cut(value, depth) if _deeper_than(value, depth) else value


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
