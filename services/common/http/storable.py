"""Characters that no text from outside may hold: bytes that are no UTF-8, NUL, and half a surrogate
pair.

PostgreSQL takes none of them, and no client means them. The refusal names the field.
"""

import codecs
import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from services.common.http.problems import Rejected, invalid
from services.common.http.request import AnyRequest

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
# Escapes one after the other, so that an escaped backslash before a `u` is none. Pairs come first.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])

_MARK = "storable.mark"
# Whatever is wrong is written as NUL first: then one search names the field.
codecs.register_error(_MARK, lambda error: ("\\u0000", _end(error)))

CHARSETS = frozenset(
    {
        "utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
        "koi8-r", "koi8-u", "big5", "euc_jp", "euc_kr", "gb2312", "gbk", "gb18030", "shift_jis",
        *(f"cp125{number}" for number in range(9)),
        *(f"iso8859-{number}" for number in range(1, 17)),
    }
)  # fmt: skip
"""Encodings that a body may be labelled with; Python has others that are none of text."""


def charset_of(content_type: str) -> str:
    """The encoding that a Content-Type names, if it is one that is read; else UTF-8, as Django."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            try:
                found = codecs.lookup(value.strip().strip("\"'")).name
            except (LookupError, ValueError):
                break
            return found if found in CHARSETS else "utf-8"
    return "utf-8"


def storable_json(body: bytes, charset: str = "utf-8") -> bytes:
    """JSON text as UTF-8, without a mark of its byte order.

    Raises Rejected 400 naming the member of the object that holds what can't be stored.
    """
    try:
        text = body.decode(charset)
    except UnicodeDecodeError as cause:
        raise _at(body.decode(charset, _MARK).encode(), not_text) or not_text(None) from cause
    body = text.removeprefix("\ufeff").encode()
    if _has_nul(body) and (fault := _at(body.replace(b"\0", rb"\u0000"), nul)):
        raise fault
    if (b"\\ud" in body or b"\\uD" in body) and (marked := _marked_halves(body)) != body:
        raise _at(marked, half) or half(None)
    return body


def storable_pair(name: bytes, value: bytes, charset: str = "utf-8") -> tuple[str, str]:
    """A field of a form, or a parameter. Raises Rejected 400 naming it."""
    attr = name.decode("utf-8", "replace").replace("\0", "")
    return _storable(name, attr, charset), _storable(value, attr, charset)


def storable_pairs(
    encoded: bytes, charset: str = "utf-8", most: int | None = None
) -> list[tuple[str, str]]:
    """A query string or a form. Raises Rejected 400 naming the field; ValueError for too many."""
    pairs = parse_qsl(
        encoded.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=most
    )
    return [
        storable_pair(name.encode("latin-1"), value.encode("latin-1"), charset)
        for name, value in pairs
    ]


def check_query(request: AnyRequest) -> None:
    """Before a handler runs. Raises Rejected 400 naming the parameter."""
    sent = request.scope["query_string"]
    if b"%" in sent or not sent.isascii():
        storable_pairs(sent)


def nul(attr: str | None) -> Rejected:
    return invalid(attr, "null_characters_not_allowed", "Null characters are not allowed.")


def not_text(attr: str | None) -> Rejected:
    return invalid(attr, "invalid_input", "This is not valid UTF-8.")


def half(attr: str | None) -> Rejected:
    return invalid(attr, "invalid_input", "Half of a surrogate pair is no character.")


def has_escaped_nul(text: bytes) -> bool:
    """Whether JSON text spells a NUL."""
    return rb"\u0000" in text and _ESCAPED_NUL.search(text) is not None


def _has_nul(body: bytes) -> bool:
    return b"\0" in body or has_escaped_nul(body)


def _marked_halves(body: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: rb"\u0000" if escape["half"] else escape[0], body)


def _at(marked: bytes, fault: Any) -> Rejected | None:
    """The fault at the first member that is marked; None where there is no object to look into."""
    try:
        members = _OBJECT.decode(marked)
    except msgspec.DecodeError:
        return None
    for name, value in members.items():
        if "\0" in name or has_escaped_nul(bytes(value)):
            found: Rejected = fault(name.replace("\0", ""))
            return found
    return None


def _storable(sent: bytes, attr: str, charset: str) -> str:
    try:
        text = sent.decode(charset)
    except UnicodeDecodeError as cause:
        raise not_text(attr) from cause
    # Lists and objects are spelled as JSON.
    if "\0" in text or (text.lstrip()[:1] in ("[", "{") and has_escaped_nul(text.encode())):
        raise nul(attr)
    return text


def _end(error: UnicodeError) -> int:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.end
