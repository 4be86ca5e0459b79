"""Which query an insight asks for, whether it was stored as a node or as legacy filters."""

from functools import lru_cache

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.json import is_null
from contracts.queries import legacy
from contracts.queries.canonical import query_key
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import kind, read
from contracts.queries.nodes import FunnelCorrelationQuery, FunnelsQuery
from contracts.queries.overrides import NO_OVERRIDES, Overrides, over_filters, over_query
from contracts.read_models.insight import InsightRow


def overridden(row: InsightRow, overrides: Overrides) -> InsightRow:
    """The insight as it would be with a dashboard's filters, or ad-hoc ones, laid over its query.

    One that asks nothing stays so. Raises InvalidQuery when its properties can't be read.
    """
    if not is_null(row.query):
        document = over_query(msgspec.json.decode(row.query), overrides)
        return replace(row, query=Raw(msgspec.json.encode(document)))
    filters = msgspec.json.decode(row.filters)
    if not filters:
        return row
    return replace(row, filters=Raw(msgspec.json.encode(over_filters(filters, overrides))))


def seen_under(row: InsightRow, overrides: Overrides) -> InsightRow:
    """The same for one of many insights: as it is, where it can't be read."""
    try:
        return row if overrides == NO_OVERRIDES else overridden(row, overrides)
    except InvalidQuery:
        return row


Question = FunnelsQuery | FunnelCorrelationQuery
"""What an insight has a result of. Not of actors: whoever sees a number need not see people."""


def question_of(row: InsightRow) -> Question | None:
    """What an insight asks; None when it describes nothing.

    Raises InvalidQuery for what is stored and not computed here, or can't be read.
    """
    return _question(bytes(row.query), bytes(row.filters))


def _question(query: bytes, stored_filters: bytes) -> Question | None:
    if not is_null(Raw(query)):
        document = msgspec.json.decode(query)
        node = read(document)
        if not isinstance(node, Question):
            raise invalid_input("query", f"A {kind(document)} is not computed for an insight.")
        return node
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
        question = _question(query, filters)
    except InvalidQuery:
        return None
    return None if question is None else query_key(question)


# Asked for at every write of an insight and at every fact of it, which seldom move its query.
LONGEST_REMEMBERED = 8 * 1024
_remembered_key = lru_cache(maxsize=2_000)(_key)
