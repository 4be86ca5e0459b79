"""Reads query nodes from JSON: the query inside its wrappers, and its members."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.kinds import KINDS, kind_named
from contracts.queries.nodes import WRAPPERS, Node

Json = Any
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_ANY = TypeVar("_ANY", bound=Node)


def source(document: Json, attr: str = "query") -> Mapping[str, Json]:
    """The query inside its wrappers. Raises InvalidQuery for anything but an accepted kind."""
    for _ in range(len(WRAPPERS) + 1):
        if not isinstance(document, Mapping) or "kind" not in document:
            raise invalid_input(attr, "A query is an object with a kind.")
        kind = document["kind"]
        if not isinstance(kind, str) or kind not in WRAPPERS:
            break
        document = document.get("source")
    else:
        raise invalid_input(attr, "A query is wrapped too many times.")
    if kind_named(kind) is None:
        raise invalid_input(attr, f"Query kind {str(kind)[:100]} is not supported.")
    return document


def read(document: Json, attr: str = "query") -> Node:
    """The query inside its wrappers, decoded.

    Raises InvalidQuery, also for kinds that are stored but not computed here.
    """
    found = source(document, attr)
    kind = KINDS[found["kind"]]
    if kind.node is None:
        raise invalid_input(attr, f"A {kind.name} cannot be computed here.")
    return node(found, kind.node, attr)


def node(document: Json, expected: type[_ANY], attr: str | None = "query") -> _ANY:
    """Numbers as text count as numbers, unknown members are ignored, entities may lack a kind.

    `members` decides whether an unknown member is a misspelled one, where a query comes in.
    Raises InvalidQuery with the place in `attr` (`query__funnelsFilter__binCount`).
    """
    try:
        return msgspec.convert(_plain(document), expected, strict=False)
    except RecursionError as cause:
        raise invalid_input(attr, "A query is nested too deeply.") from cause
    except msgspec.ValidationError as cause:
        message = str(cause)
        found = _PATH.search(message)
        path = re.sub(r"\[(\d*|\.\.\.)\]", r".\1", found[1]) if found is not None else ""
        names = [name for name in (attr or "", *path.split(".")) if name and name != "..."]
        detail = _PATH.sub("", message)
        raise invalid_input("__".join(names) or None, f"{detail}.") from cause


_BLANK_IS_ABSENT = frozenset({"funnelWindowInterval", "binCount", "funnelFromStep", "funnelToStep"})
_OF_ENTITIES = frozenset({"series", "nodes", "exclusions"})
_ALSO_CALLED = {
    "FunnelExclusionEventsNode": "EventsNode",
    "FunnelExclusionActionsNode": "ActionsNode",
    "FunnelsDataWarehouseNode": "DataWarehouseNode",
}


def _plain(document: Json) -> Json:
    """The same in the one spelling that decodes.

    Null members vanish: generated clients write them all. So does "" where a number belongs. Every
    entity has its kind; that of an exclusion is that of the node it extends.
    """
    if isinstance(document, Mapping):
        return {
            name: _entities(value) if name in _OF_ENTITIES else _plain(value)
            for name, value in document.items()
            if value is not None and not (value == "" and name in _BLANK_IS_ABSENT)
        }
    if isinstance(document, list):
        return [_plain(value) for value in document]
    return document


def _entities(sent: Json) -> Json:
    if not isinstance(sent, list):
        return sent
    return [_entity(_plain(one)) if isinstance(one, Mapping) else one for one in sent]


def _entity(sent: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**sent, "kind": entity_kind(sent)}


def entity_kind(sent: Mapping[str, Json]) -> Json:
    """A step or an exclusion as it was sent, but for the longer names of the same nodes.

    Older clients left the kind to its default: then the members tell, as they do in PostHog.
    """
    kind = sent.get("kind")
    if isinstance(kind, str):
        return _ALSO_CALLED.get(kind, kind)
    if kind is not None:
        return kind
    if "nodes" in sent:
        return "GroupNode"
    if "table_name" in sent:
        return "DataWarehouseNode"
    return "ActionsNode" if "id" in sent and "event" not in sent else "EventsNode"
