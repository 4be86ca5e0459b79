"""What a query node must be like to be stored in an insight: of an accepted kind, and readable."""

import msgspec
from msgspec import Raw

from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import COMPUTED
from contracts.queries.kinds import node as decoded
from contracts.queries.members import check_members
from contracts.queries.nodes import SOURCES, WRAPPERS

_READ = ("FunnelsQuery", "FunnelCorrelationQuery")
_members = msgspec.json.Decoder(dict[str, Raw])


def check_query(node: Raw) -> None:
    """Raises InvalidQuery for anything but a source, or a wrapper around one.

    A funnel must also decode, field by field, and have no misspelled member.
    """
    source, attr, kind = node, None, _kind(node, None)
    if kind in WRAPPERS:
        source, attr = source_of(node), "source"
        kind = _kind(source, attr, only=SOURCES)
    if kind in _READ:
        document = msgspec.json.decode(source)
        decoded(document, COMPUTED[kind], attr)
        check_members(document, attr)


def source_of(node: Raw) -> Raw:
    """What a wrapper holds; a bare source is its own. Raises InvalidQuery when it holds nothing."""
    members = _members.decode(node)
    if _text(members.get("kind")) not in WRAPPERS:
        return node
    source = members.get("source")
    if source is None or bytes(source)[:1] != b"{":
        raise InvalidQuery("source", "required", "A query node to show is required.")
    return source


def _kind(node: Raw, attr: str | None, only: frozenset[str] = SOURCES | WRAPPERS) -> str:
    kind = _text(_members.decode(node).get("kind"))
    at = "kind" if attr is None else f"{attr}__kind"
    if kind is None:
        raise InvalidQuery(at, "required", "A query node names its kind.")
    if kind not in only:
        raise InvalidQuery(at, "invalid_input", f"Unknown kind of query: {kind}.")
    return kind


def _text(value: Raw | None) -> str | None:
    if value is None or bytes(value)[:1] != b'"':
        return None
    return msgspec.json.decode(value, type=str)
