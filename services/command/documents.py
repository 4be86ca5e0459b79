"""Members of a body that are kept as they were sent, and members that may be left out."""

from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.json import compact
from services.common.problems import invalid

T = TypeVar("T")


def json_object(document: Raw, attr: str) -> Raw:
    """An object, or one in a string. Raises Rejected 400 naming `attr` for anything else."""
    if bytes(document).lstrip()[:1] == b'"':
        # A form-encoded object, or one that a client encoded twice.
        text = msgspec.json.decode(document, type=str)
        try:
            msgspec.json.decode(text, type=dict[str, Raw])
        except msgspec.DecodeError as cause:
            raise invalid(attr, "invalid_input", "Expected an object.") from cause
        return compact(Raw(text.encode()))
    if bytes(document).lstrip()[:1] != b"{":
        raise invalid(attr, "invalid_input", "Expected an object.")
    return compact(document)


def or_default(value: T | UnsetType, default: T) -> T:
    return default if value is UNSET else value
