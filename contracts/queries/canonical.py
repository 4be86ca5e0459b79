"""One name for all spellings of a query: what a result is kept under."""

import hashlib
from typing import Any

import msgspec

from contracts.queries.nodes import Node

KEY_BYTES = 32


def query_key(node: Node, shape: str = "node") -> bytes:
    """SHA-256 of all that the node says, without its nulls and the order of its members.

    shape: how the result is shown; the legacy endpoint's answers are kept apart from a node's.
    """
    document = _bare(msgspec.json.decode(msgspec.json.encode(node)))
    text = msgspec.json.encode(document, order="deterministic")
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
