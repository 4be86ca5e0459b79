"""The kind of insight that a row describes, as the list's `insight` parameter names it."""

import msgspec

from contracts.json import EMPTY_OBJECT, is_null
from contracts.queries.kinds import OTHER, kind_named
from contracts.queries.nodes import WRAPPERS
from contracts.read_models.insight import InsightRow


class _Node(msgspec.Struct, frozen=True):
    kind: str = ""
    source: "_Node | None" = None


class _Filters(msgspec.Struct, frozen=True):
    insight: str | None = None


_node = msgspec.json.Decoder(_Node)
_filters = msgspec.json.Decoder(_Filters)


def listed_kind(row: InsightRow) -> str | None:
    """TRENDS, FUNNELS, …, SQL; OTHER for what is none of them; None when nothing is described.

    The query counts before legacy filters, whose default is TRENDS. Neither is checked here, so
    one that does not decode is OTHER: it stays in the list, and no kind finds it.
    """
    try:
        if not is_null(row.query):
            node = _node.decode(row.query)
            if node.kind in WRAPPERS and node.source is not None:
                node = node.source
            kind = kind_named(node.kind)
            return OTHER if kind is None else kind.listed
        if bytes(row.filters) == bytes(EMPTY_OBJECT) or is_null(row.filters):
            return None
        return _filters.decode(row.filters).insight or "TRENDS"
    except msgspec.DecodeError:
        return OTHER
