"""What a page says that has no numbers, so that nobody waits for what will not come."""

from typing import Any

import msgspec

from contracts.json import is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import source
from contracts.queries.of_insights import question_of
from contracts.read_models.insight import InsightRow

_COMPUTED = frozenset({"FunnelsQuery", "FunnelCorrelationQuery", "FUNNELS"})


def why_nothing(row: InsightRow) -> str:
    """One or two sentences for a visitor."""
    try:
        question = question_of(row)
    except InvalidQuery:
        kind = _kind(row)
        if kind in _COMPUTED:
            return "The query of this insight can't be computed as it stands."
        named = f"of this kind ({kind.removesuffix('Query')})" if kind else "of this kind"
        return f"Insights {named} are kept here, and not computed. There is no result to wait for."
    if question is None:
        return "This insight asks nothing yet."
    return "There is no result just now. If that stays so, the query can't be computed."


def _kind(row: InsightRow) -> str:
    """As it was stored: `TrendsQuery`, or `TRENDS` of older clients; empty when it has none."""
    if is_null(row.query):
        filters: dict[str, Any] = msgspec.json.decode(row.filters)
        return str(filters.get("insight", ""))
    try:
        return str(source(msgspec.json.decode(row.query))["kind"])
    except InvalidQuery:
        return ""
