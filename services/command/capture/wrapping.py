"""From a v0 request's bytes to its JSON text: client-compat.md section 2, in its order.

The bytes are looked at, labels are not trusted: SDKs label wrongly or not at all.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from services.command.capture import lzstring
from services.command.capture.inflate import GZIP_MAGIC, gunzip
from services.command.capture.refusals import NotJson, TooLarge

FORM: Final = "application/x-www-form-urlencoded"

_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}\Z")
_DIGITS = re.compile(rb"[A-Za-z0-9+/]+")
_PIECE = 1 << 20
# A packed text may well unpack to so many times its size.
INFLATES: Final = 16
_CLOCK = re.compile(r"[0-9]{1,17}")
# Read bit by bit, in Python; only SDKs of before 2021 send it, and they send little.
MOST_LZ_BYTES: Final = 2 * 1024 * 1024
_LZ_STRING = frozenset({"lz64", "lz-string"})
_BASE64_NAMES = frozenset({"base64", "b64"})
_JSON_BEGINS = (b"{", b"[")
_MAX_FORM_FIELDS = 50
# Unquoted one by one, in Python.
MOST_PERCENTS: Final = 1_000_000


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came. query: the first value of each parameter."""

    query: Mapping[str, str]
    content_type: str = ""
    content_encoding: str = ""
    body: bytes = b""

    @property
    def weight(self) -> int:
        """Its bytes, and where they are not plain JSON, about as many as it may become."""
        plain = self.body.lstrip()[:1] in (b"{", b"[") if self.body else False
        return len(self.body) * (1 if plain else INFLATES)


class RequestText(msgspec.Struct, frozen=True):
    """The JSON text; and the client's clock at sending (`_`), milliseconds since 1970."""

    text: bytes
    sent_ms: int | None


def unwrap(request: RawRequest, *, limit: int, base64_inside: bool) -> RequestText:
    """The JSON text in a request.

    limit: of the inflated text, in bytes. base64_inside: the route's text may be base64 once more
    after it is inflated. Raises NotJson and TooLarge.
    """
    payload, is_form = _payload(request)
    compression = _compression(request, {})
    fields: Mapping[str, str] = {}
    if _is_base64(payload) and compression not in _LZ_STRING:
        payload = b64decode(payload)
    elif is_form and not payload.startswith(GZIP_MAGIC):
        fields = _form(payload)
        compression = _compression(request, fields)
        payload = _form_data(fields["data"], compression)
    text = _inflated(payload, compression, limit)
    if base64_inside and not text.lstrip().startswith(_JSON_BEGINS) and _is_base64(text):
        text = b64decode(text)
    if len(text) > limit:
        raise TooLarge("too_large", f"The request is larger than {limit} bytes.")
    return RequestText(text, _milliseconds(request.query.get("_") or fields.get("_")))


def _payload(request: RawRequest) -> tuple[bytes, bool]:
    """Step 1; and whether it is to be read as a form."""
    data = request.query.get("data")
    if data:
        return _unspaced(data).encode(), False
    if not request.body:
        raise NotJson("required", "The request has neither a body nor `data`.")
    labelled = request.content_type.partition(";")[0].strip().lower() == FORM
    return request.body, labelled or request.body.startswith(b"data=")


def _unspaced(data: str) -> str:
    """An unescaped `+` of base64 became a space; in JSON spaces stay."""
    return data if data.lstrip().startswith(("{", "[")) else data.replace(" ", "+")


def _is_base64(data: bytes) -> bool:
    """In pieces: one look at all of a large body would hold up everybody."""
    if len(data) % 4:
        return False
    last = max(len(data) - _PIECE, 0)
    return all(
        _DIGITS.fullmatch(data, at, min(at + _PIECE, last)) for at in range(0, last, _PIECE)
    ) and bool(_BASE64.match(data, last))


def _form(payload: bytes) -> dict[str, str]:
    if payload.count(b"%") > MOST_PERCENTS:
        raise TooLarge("too_large", "The form is too large: send JSON, or base64.")
    try:
        fields = dict(
            parse_qsl(payload.decode(), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS)
        )
    except ValueError as cause:
        raise NotJson("invalid_input", "The body is not a valid form.") from cause
    if not fields.get("data"):
        raise NotJson("required", "The form has no `data`.", "data")
    return fields


def _form_data(data: str, compression: str) -> bytes:
    """The bytes of a form's `data`: JSON, or base64 of something. lz-string has its own base64."""
    if data.lstrip().startswith(("{", "[")):
        return data.encode()
    text = data.replace(" ", "+")
    if compression in _LZ_STRING:
        return text.encode()
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise NotJson(
            "invalid_input", "The form's `data` is neither JSON nor base64.", "data"
        ) from cause


def _compression(request: RawRequest, fields: Mapping[str, str]) -> str:
    declared = request.query.get("compression") or fields.get("compression")
    return (declared or request.content_encoding).strip().lower()


def _inflated(data: bytes, compression: str, limit: int) -> bytes:
    if data.startswith(GZIP_MAGIC):
        return gunzip(data, limit)
    if compression in _LZ_STRING:
        return lzstring.decompress(lz_bits(data), limit)
    if compression in _BASE64_NAMES and not data.lstrip().startswith(_JSON_BEGINS):
        # Step 2 took what is strictly base64; here it is declared, so it may lack its padding.
        digits = data.strip().replace(b" ", b"+").rstrip(b"=")
        if _BASE64.match(digits):
            return _unpadded(digits)
    return data


def _unpadded(digits: bytes) -> bytes:
    try:
        return b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error as cause:
        raise NotJson("invalid_input", "The body is not valid base64.") from cause


def lz_bits(data: bytes) -> bytes:
    """The bits of lz-string's own base64. It ends wherever the bits end, in a group of one
    character even, so the missing characters are zeros and not padding.
    """
    if len(data) > MOST_LZ_BYTES:
        raise TooLarge("too_large", f"The lz-string is larger than {MOST_LZ_BYTES} bytes.")
    digits = data.strip().rstrip(b"=")
    if _BASE64.match(digits) is None:
        raise NotJson("invalid_input", "The body is not valid lz-string.")
    return b64decode(digits + b"A" * (-len(digits) % 4))


def _milliseconds(text: str | None) -> int | None:
    return int(text) if text is not None and _CLOCK.fullmatch(text) else None
