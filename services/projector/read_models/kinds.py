"""Which kind of insight a row describes, as the list's `insight` parameter asks for it."""

import msgspec

from contracts.json import EMPTY_OBJECT, is_null
from contracts.read_models.insight import InsightRow

SQL = "SQL"
OTHER = "OTHER"

_WRAPPERS = {"InsightVizNode", "DataVisualizationNode", "DataTableNode"}
_KINDS = {
    "TrendsQuery": "TRENDS",
    "FunnelsQuery": "FUNNELS",
    "RetentionQuery": "RETENTION",
    "PathsQuery": "PATHS",
    "StickinessQuery": "STICKINESS",
    "LifecycleQuery": "LIFECYCLE",
    "HogQLQuery": SQL,
}


class _Node(msgspec.Struct, frozen=True):
    kind: str = ""
    source: "_Node | None" = None


class _Filters(msgspec.Struct, frozen=True):
    insight: str | None = None


_node = msgspec.json.Decoder(_Node)
_filters = msgspec.json.Decoder(_Filters)


def kind_of(row: InsightRow) -> str | None:
    """TRENDS, FUNNELS, …, SQL; OTHER for what is none of them; None when nothing is described.

    The query counts before legacy filters, whose default is TRENDS. Neither is checked here, so
    one that does not decode is OTHER: it stays in the list, and no kind finds it.
    """
    try:
        if not is_null(row.query):
            node = _node.decode(row.query)
            if node.kind in _WRAPPERS and node.source is not None:
                node = node.source
            return _KINDS.get(node.kind, OTHER)
        if bytes(row.filters) == bytes(EMPTY_OBJECT) or is_null(row.filters):
            return None
        return _filters.decode(row.filters).insight or "TRENDS"
    except msgspec.DecodeError:
        return OTHER
