"""One name for all spellings of a query: what a result is kept under."""

import hashlib
from typing import Any

import msgspec
from msgspec import Raw

from contracts.queries.stored import source_of

KEY_BYTES = 32


def query_key(node: Raw, shape: str = "node") -> bytes:
    """SHA-256 of the node without its wrapper, its nulls, and the order of its members.

    shape: how the result is shown; the legacy endpoint's answers are kept apart from a node's.
    Raises InvalidQuery for a wrapper around nothing.
    """
    source = _bare(msgspec.json.decode(source_of(node)))
    text = msgspec.json.encode(source, order="deterministic")
    return hashlib.sha256(shape.encode() + b"\n" + text).digest()


def _bare(value: Any) -> Any:
    """Generated clients write every null out; to a node, null and absent are one."""
    match value:
        case dict():
            return {name: _bare(item) for name, item in value.items() if item is not None}
        case list():
            return [_bare(item) for item in value]
        case _:
            return value
