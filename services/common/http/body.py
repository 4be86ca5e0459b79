"""The one reader of request bodies: JSON, forms, and forms that call themselves JSON.

The docs' own curl lines send `name=string` labelled application/json; what is not JSON but reads
as a form is read as one. Form values of list and object fields are JSON text.
"""

import re
from typing import Any, TypeVar

import msgspec

from services.common.http import apart
from services.common.http.bounds import refuse_many_percents, refuse_many_values
from services.common.http.forms import Fields, in_parts, url_encoded
from services.common.http.problems import (
    Rejected,
    blank,
    invalid,
    not_a_choice,
    not_json,
    required,
    unsupported_media_type,
)
from services.common.http.request import AnyRequest
from services.common.http.serializers import form_members, json_or_text, taken
from services.common.http.storable import charset_of, has_escaped_nul, nul, storable_json

S = TypeVar("S", bound=msgspec.Struct)

# A string that never ends is one too: looked at again from each of its quotes, it would take hours.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
_FORM = re.compile(rb"[A-Za-z_$%][\w$.\[\]%+-]*=")
_AT = re.compile(r" - at `\$(?P<path>.*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_LENGTH = re.compile(r"of length <= (?P<limit>\d+)")
_RANGE = re.compile(r"`int` (?P<sign><=|>=) (?P<limit>-?\d+)")
_CHOICE = re.compile(r"Invalid enum value '?(?P<value>.*?)'?$")
_SHAPE = re.compile(r"Expected `(?P<expected>array|object)[^`]*`, got `(?P<got>\w+)`")
_TYPES = {"array": "list", "object": "dict"}
"""Python's names of them, and so PostHog's."""
DEEPEST = 100
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


async def read(request: AnyRequest, kind: type[S]) -> S:
    """The body as `kind`; an empty one is an empty object.

    Raises Rejected: 400 invalid_json, or 400 naming the field.
    """
    body = await request.body()
    return await apart.work(len(body), _read, body, _content_type(request), kind)


async def as_json(request: AnyRequest) -> bytes:
    """The body as the text of one JSON object, whatever it came as.

    Raises Rejected: 415; 400 naming the member that can't be stored, or invalid_json; 413.
    """
    body = await request.body()
    return await apart.work(len(body), _as_json, body, _content_type(request))


def _read(body: bytes, content_type: str, kind: type[S]) -> S:
    fields = _form(body, content_type)
    if fields is None:
        return decode(_as_json(body, content_type), kind)
    return decode(_not_deep(msgspec.json.encode(form_members(fields, kind))), kind)


def _as_json(body: bytes, content_type: str) -> bytes:
    fields = _form(body, content_type)
    if fields is not None:
        members = {name: json_or_text(value) for name, value in fields}
        return _not_deep(msgspec.json.encode(members))
    refuse_many_values(body)
    return _not_deep(storable_json(body, charset_of(content_type)).strip()) or b"{}"


def _form(whole: bytes, content_type: str) -> Fields | None:
    """Its fields, if it is one. Raises Rejected: 415, 413; 400 naming a field that is no text."""
    fields = _fields(whole, content_type)
    if fields is not None:
        refuse_many_values(b"".join(value.encode() for _, value in fields if _may_be_json(value)))
    return fields


def _may_be_json(value: str) -> bool:
    return value.lstrip()[:1] in ("{", "[")


def _fields(whole: bytes, content_type: str) -> Fields | None:
    body = whole.strip()
    if not body:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return in_parts(whole, content_type)
    if media_type not in _READABLE:
        raise unsupported_media_type(media_type)
    if body[:1] not in b"{[" and _FORM.match(body):
        refuse_many_percents(body)
        return url_encoded(body, charset_of(content_type))
    return None


def _content_type(request: AnyRequest) -> str:
    return request.headers.get("content-type", "")


_READABLE = {"", "application/json", "application/x-www-form-urlencoded", "text/plain"}


def decode(body: bytes, kind: type[S]) -> S:
    """JSON text as `kind`, its values as PostHog's serializers take them.

    Raises Rejected: 400 invalid_json, or 400 naming the field.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind, strict=False)
    try:
        value: S = decoder.decode(taken(body, kind))
    except msgspec.ValidationError as cause:
        raise _field_error(str(cause)) from cause
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise not_json(None, cause) from cause
    return value


def check_document(text: bytes, attr: str) -> None:
    """Whether an object that is kept as it was sent can be read again.

    Raises Rejected 400 naming `attr`: no object, a NUL, a number beyond reach, too deep.
    """
    if has_escaped_nul(text):
        raise nul(attr)
    _not_deep(text, attr)
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as cause:
        raise invalid(attr, "invalid_input", f"Expected an object. {cause}.") from cause


def _not_deep(body: bytes, attr: str | None = None) -> bytes:
    """The same. Raises Rejected 400 for more levels than anybody means, or can be walked later, and
    413 for more values.
    """
    refuse_many_values(body)
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return body
    depth = 0
    for token in _BRACKETS.finditer(body):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
        if depth > DEEPEST:
            raise invalid(attr, "invalid_json", f"JSON nested deeper than {DEEPEST} levels.")
    return body


def _field_error(message: str) -> Rejected:
    """msgspec's message in the words of PostHog's serializers."""
    at = _AT.search(message)
    attr = _attr(at["path"]) if at else None
    what = message[: at.start()] if at else message
    if missing := re.search(r"missing required field `(?P<name>[^`]+)`", what):
        name = missing["name"]
        full = f"{attr}__{name}" if attr else name
        return required(full)
    if length := _LENGTH.search(what):
        return invalid(
            attr,
            "max_length",
            f"Ensure this field has no more than {length['limit']} characters.",
        )
    if what == "Expected `str` of length >= 1":
        return blank(attr)
    if bound := _RANGE.search(what):
        least = bound["sign"] == ">="
        return invalid(
            attr,
            "min_value" if least else "max_value",
            f"Ensure this value is {'greater' if least else 'less'} than or equal to"
            f" {bound['limit']}.",
        )
    if what.endswith("got `null`") and attr is not None:
        return invalid(attr, "null", "This field may not be null.")
    if choice := _CHOICE.match(what):
        return not_a_choice(attr, choice["value"])
    if other := _SHAPE.match(what):
        got = _TYPES.get(other["got"], other["got"])
        if attr is None:
            detail = f"Invalid data. Expected a dictionary, but got {got}."
            return invalid(None, "invalid_input", detail)
        if other["expected"] == "array":
            detail = f'Expected a list of items but got type "{got}".'
            return invalid(attr, "not_a_list", detail)
        return invalid(attr, "invalid_input", "Expected a dictionary of items.")
    for expected, words in _WORDS.items():
        if f"Expected `{expected}" in what:
            return invalid(attr, "invalid_input", words)
    return invalid(attr, "invalid_input", f"{what}.")


_WORDS = {
    "str": "Not a valid string.",
    "int": "A valid integer is required.",
    "float": "A valid number is required.",
    "bool": "Must be a valid boolean.",
    "datetime": "Datetime has wrong format. Use ISO 8601 with a zone.",
}


def _attr(path: str) -> str | None:
    """`$.a.b[3]` is a__b: an item that is wrong makes its list wrong."""
    steps = [step["name"] or step["index"] for step in _STEP.finditer(path)]
    while steps and (steps[-1].isdigit() or steps[-1] == "..."):
        steps.pop()
    return "__".join(steps) or None
