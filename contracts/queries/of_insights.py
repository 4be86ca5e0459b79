"""The query of an insight, whether it was stored as a node or as legacy filters."""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.json import is_null
from contracts.queries import legacy
from contracts.queries.canonical import query_key
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import KINDS, QueryKind, kind_of_filters
from contracts.queries.legacy_shown import stored_filters
from contracts.queries.loose import Filters, Json
from contracts.queries.nodes import Node
from contracts.queries.overrides import NO_OVERRIDES, Overrides, over_filters, over_query
from contracts.queries.reading import node, read, source
from contracts.read_models.insight import InsightRow


def overridden(row: InsightRow, overrides: Overrides) -> InsightRow:
    """The insight as it would be with a dashboard's filters, or ad-hoc ones, laid over its query.

    One that asks nothing stays so. Raises InvalidQuery when its properties can't be read.
    """
    if not is_null(row.query):
        document = over_query(msgspec.json.decode(row.query), overrides)
        return replace(row, query=Raw(msgspec.json.encode(document)))
    filters = stored_filters(msgspec.json.decode(row.filters))
    if not filters:
        return row
    return replace(row, filters=Raw(msgspec.json.encode(over_filters(filters, overrides))))


def seen_under(row: InsightRow, overrides: Overrides) -> InsightRow:
    """The same for one of many insights: as it is, where it can't be read."""
    try:
        return row if overrides == NO_OVERRIDES else overridden(row, overrides)
    except InvalidQuery:
        return row


def viz_node(stored: Json) -> dict[str, Json] | None:
    """The node that legacy filters mean, as answers show it; None for no filters at all.

    Filters of no known kind are shown as trends. Raises InvalidQuery where they cannot be read.
    """
    filters = stored_filters(stored)
    if not filters:
        return None
    kind = kind_of_filters(legacy.insight_kind(filters)) or KINDS["TrendsQuery"]
    shown = None if kind.from_filters is None else kind.from_filters(filters)
    return {"kind": "InsightVizNode", "source": shown}


def query_of(row: InsightRow) -> Node | None:
    """The insight's query; None when the insight describes none.

    Raises InvalidQuery for what is stored and not computed here, or can't be read.
    """
    return _query(bytes(row.query), bytes(row.filters))


def kind_of(row: InsightRow) -> QueryKind | None:
    """The kind of what an insight asks, whether or not it can be read; None for none that is."""
    try:
        if is_null(row.query):
            filters = stored_filters(msgspec.json.decode(row.filters))
            return kind_of_filters(legacy.insight_kind(filters))
        return KINDS[source(msgspec.json.decode(row.query))["kind"]]
    except InvalidQuery:
        return None


def _query(query: bytes, filters: bytes) -> Node | None:
    if not is_null(Raw(query)):
        document = _decoded(query)
        found, kind = read(document), KINDS[source(document)["kind"]]
        if not kind.has_result:
            raise invalid_input("query", f"A {kind.name} is not computed for an insight.")
        return found
    stored = stored_filters(_decoded(filters))
    return query_of_filters(stored, "filters") if stored else None


def _decoded(document: bytes) -> Any:
    try:
        return msgspec.json.decode(document)
    except RecursionError as cause:
        raise invalid_input("query", "A query is nested too deeply.") from cause


def query_of_filters(filters: Filters, attr: str | None = None) -> Node:
    """The query that legacy filters mean. Raises InvalidQuery.

    attr: of the filters, in a refusal.
    """
    named = legacy.insight_kind(filters)
    kind = kind_of_filters(named)
    if kind is None or kind.from_filters is None or kind.node is None:
        raise invalid_input(attr, f"A {named} insight cannot be computed here.")
    return node(kind.from_filters(filters), kind.node, attr)


def insight_key(row: InsightRow) -> bytes | None:
    """The key of the insight's own kept result; None when it can have none."""
    query, filters = bytes(row.query), bytes(row.filters)
    if len(query) + len(filters) > LONGEST_REMEMBERED:
        return _key(query, filters)
    return _remembered_key(query, filters)


def _key(query: bytes, filters: bytes) -> bytes | None:
    try:
        asked = _query(query, filters)
    except InvalidQuery:
        return None
    return None if asked is None else query_key(asked)


# Asked for at every write of an insight and at every fact of it, which seldom move its query.
LONGEST_REMEMBERED = 8 * 1024
_remembered_key = lru_cache(maxsize=2_000)(_key)
