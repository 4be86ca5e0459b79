"""Which query an insight asks for, whether it was stored as a node or as legacy filters."""

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
    if not is_null(row.query):
        return read_funnel(msgspec.json.decode(row.query))
    filters = msgspec.json.decode(row.filters)
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
    try:
        query = funnel_of(row)
    except InvalidQuery:
        return None
    return None if query is None else query_key(query)
