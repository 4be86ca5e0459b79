"""The fields of a form, as they were sent: url-encoded, or in parts (multipart/form-data)."""

import multipart  # type: ignore[import-untyped]

from services.common.http.problems import invalid
from services.common.http.storable import charset_of, storable_pair, storable_pairs

# Taking a body of nothing but fields apart would hold the loop for seconds.
MOST_FIELDS = 1_000

Fields = list[tuple[str, str]]


def url_encoded(body: bytes, charset: str) -> Fields:
    """Raises Rejected 400 naming the field that is no text, or for too many of them."""
    try:
        return storable_pairs(body, charset, MOST_FIELDS)
    except ValueError as cause:
        raise invalid(None, "invalid_json", f"A form has at most {MOST_FIELDS} fields.") from cause


def in_parts(body: bytes, content_type: str) -> Fields:
    """A file counts as its text. Raises Rejected 400 naming the field that is no text, or for a
    body that is not in such parts.
    """
    _, options = multipart.parse_options_header(content_type)
    try:
        found = _parts(body, options.get("boundary", ""))
    except multipart.MultipartError as cause:
        detail = f"Multipart form parse error - {cause}"
        raise invalid(None, "invalid_json", detail) from cause
    charset = charset_of(content_type)
    return [
        storable_pair(name, value, charset_of(kind) if "charset" in kind else charset)
        for name, kind, value in found
    ]


def _parts(body: bytes, boundary: str) -> list[tuple[bytes, str, bytes]]:
    """Name, content type and value of each. Raises MultipartError."""
    found: list[tuple[bytes, str, bytes]] = []
    part: multipart.MultipartSegment | None = None
    value = bytearray()
    with multipart.PushMultipartParser(
        boundary, max_segment_count=MOST_FIELDS, header_charset="latin-1"
    ) as parser:
        for piece in (*parser.parse(body), *(() if parser.closed else parser.parse(b""))):
            if isinstance(piece, multipart.MultipartSegment):
                part, value = piece, bytearray()
            elif piece:
                value += piece
            elif part is not None:
                found.append((part.name.encode("latin-1"), part.content_type or "", bytes(value)))
    return found
