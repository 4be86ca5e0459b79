"""Which query an insight asks for, whether it was stored as a node or as legacy filters."""

from functools import lru_cache

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.json import is_null
from contracts.queries import legacy
from contracts.queries.canonical import query_key
from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import read_funnel
from contracts.queries.nodes import FunnelsQuery
from contracts.queries.overrides import Overrides, over_filters, over_query
from contracts.read_models.insight import InsightRow


def overridden(row: InsightRow, overrides: Overrides) -> InsightRow:
    """The insight as it would be with a dashboard's filters, or ad-hoc ones, laid over its query.

    Raises InvalidQuery when its properties can't be read.
    """
    if not is_null(row.query):
        document = over_query(msgspec.json.decode(row.query), overrides)
        return replace(row, query=Raw(msgspec.json.encode(document)))
    filters = over_filters(msgspec.json.decode(row.filters), overrides)
    return replace(row, filters=Raw(msgspec.json.encode(filters)))


def funnel_of(row: InsightRow) -> FunnelsQuery | None:
    """The funnel an insight asks for; None when it describes nothing.

    Raises InvalidQuery for what is stored and not computed here, or can't be read.
    """
    return _funnel(bytes(row.query), bytes(row.filters))


def _funnel(query: bytes, stored_filters: bytes) -> FunnelsQuery | None:
    if not is_null(Raw(query)):
        return read_funnel(msgspec.json.decode(query))
    filters = msgspec.json.decode(stored_filters)
    if not filters:
        return None
    if not legacy.is_funnel(filters):
        raise InvalidQuery(
            "filters",
            "invalid_input",
            f"A {legacy.insight_kind(filters)} insight cannot be computed here.",
        )
    return legacy.convert(filters)


def insight_key(row: InsightRow) -> bytes | None:
    """What the insight's own result is kept under; None when it can have none."""
    query, filters = bytes(row.query), bytes(row.filters)
    if len(query) + len(filters) > LONGEST_REMEMBERED:
        return _key(query, filters)
    return _remembered_key(query, filters)


def _key(query: bytes, filters: bytes) -> bytes | None:
    try:
        funnel = _funnel(query, filters)
    except InvalidQuery:
        return None
    return None if funnel is None else query_key(funnel)


# Asked for at every write of an insight and at every fact of it, which seldom move its query.
LONGEST_REMEMBERED = 8 * 1024
_remembered_key = lru_cache(maxsize=2_000)(_key)
