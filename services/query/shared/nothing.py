"""The text of a page without numbers, so that no visitor waits for any."""

import msgspec

from contracts.json import is_null
from contracts.queries import legacy
from contracts.queries.errors import InvalidQuery
from contracts.queries.of_insights import kind_of, query_of
from contracts.read_models.insight import InsightRow


def why_nothing(row: InsightRow) -> str:
    """One or two sentences for a visitor."""
    try:
        query = query_of(row)
    except InvalidQuery:
        kind = kind_of(row)
        if kind is not None and kind.has_result:
            return "The query of this insight can't be computed as it stands."
        name = _name(row)
        named = f"of this kind ({name.removesuffix('Query')})" if name else "of this kind"
        return f"Insights {named} are kept here, and not computed. There is no result to wait for."
    if query is None:
        return "This insight asks nothing yet."
    return "There is no result just now. If that stays so, the query can't be computed."


def _name(row: InsightRow) -> str:
    """As it was stored: `TrendsQuery`, or `TRENDS` of older clients; empty when it has none."""
    if is_null(row.query):
        return legacy.insight_kind(msgspec.json.decode(row.filters))
    kind = kind_of(row)
    return "" if kind is None else kind.name
