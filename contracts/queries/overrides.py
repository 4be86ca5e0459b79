"""A dashboard's filters, or ad-hoc ones, laid over a stored query before it runs and is shown."""

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.loose import json_value
from contracts.queries.nodes import WRAPPERS
from contracts.queries.properties import EMPTY, PropertyGroup, wire
from contracts.queries.properties import read as read_properties

# Nodes that have their dates and properties from what they are about.
AROUND = WRAPPERS | {
    "FunnelCorrelationQuery", "FunnelsActorsQuery", "FunnelCorrelationActorsQuery", "ActorsQuery",
}  # fmt: skip

Json = Any
Document = Mapping[str, Json]


class Overrides(msgspec.Struct, frozen=True):
    """date_from, date_to: replace both bounds when either is there. properties: joined by AND.

    breakdown_filter: replaces the breakdown, in a query node's own words.
    """

    date_from: str | None = None
    date_to: str | None = None
    properties: PropertyGroup = EMPTY
    breakdown_filter: Document | None = None

    @property
    def dated(self) -> bool:
        return self.date_from is not None or self.date_to is not None


def read(filters: Json) -> Overrides:
    """From a dashboard's `filters` or `filters_override`; other members are ignored, null is none.

    Raises InvalidQuery when the properties cannot be read, or for what is no object.
    """
    if filters is None:
        return Overrides()
    if not isinstance(filters, Mapping):
        raise invalid_input("filters_override", "Filters are an object.")
    breakdown = json_value(filters, "breakdown_filter")
    return Overrides(
        date_from=_text(filters.get("date_from")),
        date_to=_text(filters.get("date_to")),
        properties=read_properties(json_value(filters, "properties"), "filters_override"),
        breakdown_filter=breakdown if isinstance(breakdown, Mapping) else None,
    )


def _text(sent: Json) -> str | None:
    return sent if isinstance(sent, str) and sent else None


def over_query(document: Document, overrides: Overrides) -> Document:
    """The query node with the overrides applied to its innermost source; the given one stays."""
    if document.get("kind") in AROUND and isinstance(document.get("source"), Mapping):
        return {**document, "source": over_query(document["source"], overrides)}
    changed = dict(document)
    if overrides.dated:
        kept = document.get("dateRange") if isinstance(document.get("dateRange"), Mapping) else {}
        changed["dateRange"] = {
            **(kept or {}), "date_from": overrides.date_from, "date_to": overrides.date_to,
        }  # fmt: skip
    if overrides.properties.values:
        changed["properties"] = _joined(document.get("properties"), overrides)
    if overrides.breakdown_filter is not None:
        changed["breakdownFilter"] = dict(overrides.breakdown_filter)
    return changed


def over_filters(filters: Document, overrides: Overrides) -> Document:
    """The same for legacy filters."""
    changed = dict(filters)
    if overrides.dated:
        changed["date_from"], changed["date_to"] = overrides.date_from, overrides.date_to
    if overrides.properties.values:
        changed["properties"] = _joined(json_value(filters, "properties"), overrides)
    if overrides.breakdown_filter is not None:
        without = {k: v for k, v in changed.items() if not k.startswith("breakdown")}
        kept = {k: v for k, v in changed.items() if k.startswith("breakdown_attribution")}
        changed = {**without, **kept, **overrides.breakdown_filter}
    return changed


def _joined(stored: Json, overrides: Overrides) -> Json:
    """PostHog: AND of both, or the new ones alone."""
    own = read_properties(stored)
    if not own.values:
        return wire(overrides.properties)
    return wire(PropertyGroup("AND", (own, overrides.properties)))
