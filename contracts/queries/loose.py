"""Values of a legacy filter, read as leniently as PostHog reads them."""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.queries.errors import InvalidQuery, invalid_input

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Json = Any
Filters = Mapping[str, Json]


def present(filters: Filters, name: str) -> bool:
    """Whether anything was entered: null and "" are nothing."""
    return filters.get(name) not in (None, "")


def text(filters: Filters, name: str) -> str | None:
    """Text, or a number written out; null and "" are None."""
    sent = filters.get(name)
    if sent is None or sent == "":
        return None
    if isinstance(sent, bool) or not isinstance(sent, str | int | float):
        raise invalid_input(name, "Not a valid string.")
    return str(sent)


def boolean(filters: Filters, name: str) -> bool | None:
    """ "true" (any case), "1", 1 and true are true; everything else that is there is false."""
    sent = filters.get(name)
    if sent is None or sent == "":
        return None
    return sent is True or sent == 1 or str(sent).lower() in ("true", "1")


def integer(filters: Filters, name: str) -> int | None:
    """A whole number as number or text; null and "" are None. Raises InvalidQuery otherwise."""
    sent = filters.get(name)
    if sent is None or sent == "":
        return None
    read = number(sent)
    if read is None or not read.is_integer() or abs(read) > 2**53:
        raise invalid_input(name, "A valid integer is required.")
    return int(read)


def number(sent: Json) -> float | None:
    """A finite number, also as text; None for anything else."""
    if isinstance(sent, bool) or not isinstance(sent, str | int | float):
        return None
    try:
        read = float(sent)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def json_value(filters: Filters, name: str, *, plain_text: bool = False) -> Json:
    """A list or object, as it is or as JSON text; null and "" are None.

    plain_text: text that is no list or object is a value of its own (a breakdown's property name).
    Raises InvalidQuery for text that is no JSON.
    """
    sent = filters.get(name)
    if sent is None or sent == "":
        return None
    if not isinstance(sent, str) or (plain_text and sent.lstrip()[:1] not in ("[", "{")):
        return sent
    if _ESCAPED_NUL.search(sent):
        raise InvalidQuery(name, "null_characters_not_allowed", "Null characters are not allowed.")
    try:
        return msgspec.json.decode(sent)
    except (msgspec.DecodeError, RecursionError) as cause:
        if plain_text:
            return sent
        raise invalid_input(name, f"{name} is not valid JSON.") from cause
