"""The checks of a query node before it is stored in an insight: an accepted kind, and readable."""

import msgspec
from msgspec import Raw

from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import kind_named
from contracts.queries.members import check_members
from contracts.queries.nodes import WRAPPERS
from contracts.queries.reading import node as decoded

_members = msgspec.json.Decoder(dict[str, Raw])


def check_query(node: Raw) -> None:
    """Raises InvalidQuery for anything but a source, or a wrapper around one.

    One that gives an insight a result must also decode, and have no misspelled member.
    """
    source, attr = node, None
    if _kind(node, None) in WRAPPERS:
        source, attr = source_of(node), "source"
    name = _kind(source, attr)
    kind = kind_named(name)
    if kind is None or not kind.is_source:
        raise InvalidQuery(_at(attr), "invalid_input", f"Unknown kind of query: {name}.")
    if kind.node is not None and kind.has_result:
        document = msgspec.json.decode(source)
        decoded(document, kind.node, attr)
        check_members(document, attr)


def source_of(node: Raw) -> Raw:
    """The query inside a wrapper; a bare source is its own. Raises InvalidQuery for an empty
    wrapper.
    """
    members = _members.decode(node)
    if _text(members.get("kind")) not in WRAPPERS:
        return node
    source = members.get("source")
    if source is None or bytes(source)[:1] != b"{":
        raise InvalidQuery("source", "required", "A query node to show is required.")
    return source


def _kind(node: Raw, attr: str | None) -> str:
    kind = _text(_members.decode(node).get("kind"))
    if kind is None:
        raise InvalidQuery(_at(attr), "required", "A query node names its kind.")
    return kind


def _at(attr: str | None) -> str:
    return "kind" if attr is None else f"{attr}__kind"


def _text(value: Raw | None) -> str | None:
    if value is None or bytes(value)[:1] != b'"':
        return None
    return msgspec.json.decode(value, type=str)
