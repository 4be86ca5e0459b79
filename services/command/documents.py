"""Members of a body that are kept as they were sent, and members that may be left out."""

from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.json import compact
from services.common.http.body import check_document

T = TypeVar("T")


def json_object(document: Raw, attr: str) -> Raw:
    """An object, or one in a string. Raises Rejected 400 naming `attr` for anything else."""
    text = bytes(document)
    if text.lstrip()[:1] == b'"':
        # A form-encoded object, or one that a client encoded twice.
        text = msgspec.json.decode(document, type=str).encode()
    check_document(text, attr)
    return compact(Raw(text))


def or_default(value: T | UnsetType, default: T) -> T:
    return default if value is UNSET else value
