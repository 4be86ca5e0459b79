"""A dashboard's filters, or ad-hoc ones, laid over a stored query before it runs and is shown."""

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import kind_named
from contracts.queries.loose import json_value
from contracts.queries.nodes import WRAPPERS
from contracts.queries.properties import EMPTY, PropertyFilter, PropertyGroup, wire
from contracts.queries.properties import read as read_properties

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


NO_OVERRIDES = Overrides()


def read(filters: Json) -> Overrides:
    """From a dashboard's `filters` or `filters_override`; other members are ignored, null is none.

    Raises InvalidQuery when the properties cannot be read, or for what is no object.
    """
    if filters is None:
        return NO_OVERRIDES
    if not isinstance(filters, Mapping):
        raise invalid_input("filters_override", "Filters are an object.")
    breakdown = json_value(filters, "breakdown_filter")
    return Overrides(
        date_from=_text(filters.get("date_from")),
        date_to=_text(filters.get("date_to")),
        properties=read_properties(json_value(filters, "properties"), "filters_override"),
        breakdown_filter=breakdown if isinstance(breakdown, Mapping) else None,
    )


def of_dashboard(filters: msgspec.Raw) -> Overrides:
    """The overrides that a dashboard lays over its insights: none if its filters can't be read."""
    try:
        return read(msgspec.json.decode(filters))
    except InvalidQuery:
        return NO_OVERRIDES


def _text(sent: Json) -> str | None:
    return sent if isinstance(sent, str) and sent else None


def over_query(document: Document, overrides: Overrides) -> Document:
    """The query node with the overrides applied to its innermost source; the given one stays."""
    kind = document.get("kind")
    if _has_source(kind) and isinstance(document.get("source"), Mapping):
        return {**document, "source": over_query(document["source"], overrides)}
    if kind == "HogQLQuery":
        return _over_sql(document, overrides)
    if kind == "EventsQuery":
        return _over_events(document, overrides)
    changed = _dated(document, overrides)
    if overrides.properties.values:
        changed["properties"] = _joined(document.get("properties"), overrides)
    if overrides.breakdown_filter is not None and _has_breakdown(kind):
        changed["breakdownFilter"] = dict(overrides.breakdown_filter)
    return changed


def _has_source(name: Json) -> bool:
    """Whether dates and properties are those of what the node is about."""
    kind = kind_named(name)
    return kind.has_source if kind is not None else isinstance(name, str) and name in WRAPPERS


def _has_breakdown(name: Json) -> bool:
    kind = kind_named(name)
    return kind is None or kind.has_breakdown


def _dated(document: Document, overrides: Overrides) -> dict[str, Json]:
    """A copy, its dateRange with the bounds of the overrides if they have any."""
    if not overrides.dated:
        return dict(document)
    dates = {**_object(document.get("dateRange"))}
    dates |= {"date_from": overrides.date_from, "date_to": overrides.date_to}
    return {**document, "dateRange": dates}


def _over_sql(document: Document, overrides: Overrides) -> Document:
    """Dates and properties are in `filters`, which replace {filters} in the text."""
    if not overrides.dated and not overrides.properties.values:
        return document
    filters = _dated(_object(document.get("filters")), overrides)
    return {**document, "filters": _with_properties(filters, overrides)}


def _over_events(document: Document, overrides: Overrides) -> Document:
    """The bounds are called after and before."""
    changed = dict(document)
    if overrides.dated:
        changed |= {"after": overrides.date_from, "before": overrides.date_to}
    return _with_properties(changed, overrides)


def _with_properties(document: dict[str, Json], overrides: Overrides) -> dict[str, Json]:
    """Where properties are a list and nothing else."""
    if not overrides.properties.values:
        return document
    own = document.get("properties")
    more = (wire(part) for part in overrides.properties.values)
    return {**document, "properties": [*(own if isinstance(own, list) else ()), *more]}


def _object(sent: Json) -> Document:
    return sent if isinstance(sent, Mapping) else {}


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
    """PostHog: AND of both, or the new ones alone: a list, as a dashboard has them."""
    own = read_properties(stored)
    if not own.values:
        group = overrides.properties
        listed = group.type == "AND" and all(isinstance(p, PropertyFilter) for p in group.values)
        return [wire(part) for part in group.values] if listed else wire(group)
    return wire(PropertyGroup("AND", (own, overrides.properties)))
