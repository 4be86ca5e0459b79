"""JSON that is kept as it was sent, and never interpreted on the way.

A kept document is a `msgspec.Raw` of compact JSON text. msgspec can't put Raw in a
union, so "no document" is the text `null`, `NULL` here, and not None.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
"""Of bodies, for readers of their schema: nothing is checked by these."""
ObjectOrNull = Annotated[
    Raw, Meta(extra_json_schema={"anyOf": [{"type": "object"}, {"type": "null"}]})
]
ListOrNull = Annotated[
    Raw, Meta(extra_json_schema={"anyOf": [{"type": "array"}, {"type": "null"}]})
]
JsonList = Annotated[Raw, Meta(extra_json_schema={"type": "array"})]

NULL = Raw(b"null")
EMPTY_OBJECT = Raw(b"{}")


def compact(document: Raw) -> Raw:
    """The same document without insignificant white space; numbers and key order untouched."""
    return Raw(msgspec.json.format(bytes(document), indent=-1))


def is_null(document: Raw) -> bool:
    return bytes(document) == b"null"


def same(left: Raw, right: Raw) -> bool:
    """Whether two documents mean the same: key order and number spelling do not count."""
    return bytes(left) == bytes(right) or bool(
        msgspec.json.decode(left) == msgspec.json.decode(right)
    )
