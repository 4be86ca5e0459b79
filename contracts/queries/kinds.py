"""The kinds of query node, a row each. Whatever differs between kinds outside of computing them
is a column here; services.query.insights.kinds has a row for each kind that is computed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.queries import ignored, ignored_counts, legacy_shown
from contracts.queries.actors import ActorsQuery
from contracts.queries.insight_actors import (
    InsightActorsQuery,
    InsightActorsQueryOptions,
    StickinessActorsQuery,
)
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.loose import Filters, Json
from contracts.queries.nodes import (
    FunnelCorrelationActorsQuery,
    FunnelCorrelationQuery,
    FunnelsActorsQuery,
    FunnelsQuery,
    Node,
)
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery

OTHER = "OTHER"
"""The list's name of insights whose kind has none of its own."""


def _nothing(_: Node) -> Sequence[str]:
    return ()


class QueryKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of query node.

    name: its `kind`. node: what it is read as; None: it is stored and shown, and not computed.
    is_source: an insight may hold it, bare or in a wrapper.
    has_result: an insight that holds it has a result, so its members are checked when it is stored.
        Not of people: a reader of a number need not see the people behind it.
    has_breakdown: a breakdown that is laid over it counts. PostHog passes over others in silence.
    has_source: it is about the query in its `source`, whose dates and properties count.
    listed: what the list's `insight=` calls it, and `insight` of legacy filters.
    from_filters: the node document that legacy filters called `listed` mean; raises InvalidQuery.
    ignored: what a node asks for without effect, a sentence each (`include=warnings`).
    """

    name: str
    node: type[Node] | None = None
    is_source: bool = True
    has_result: bool = False
    has_breakdown: bool = True
    has_source: bool = False
    listed: str = OTHER
    from_filters: Callable[[Filters], Mapping[str, Json]] | None = None
    ignored: Callable[[Any], Sequence[str]] = _nothing


_ROWS = (
    QueryKind(
        name="TrendsQuery",
        node=TrendsQuery,
        has_result=True,
        listed="TRENDS",
        from_filters=legacy_shown.trends,
        ignored=ignored_counts.of_trends,
    ),
    QueryKind(
        name="FunnelsQuery",
        node=FunnelsQuery,
        has_result=True,
        listed="FUNNELS",
        from_filters=legacy_shown.funnels,
        ignored=ignored.of_query,
    ),
    QueryKind(
        name="RetentionQuery",
        listed="RETENTION",
        from_filters=legacy_shown.retention,
    ),
    QueryKind(
        name="PathsQuery",
        listed="PATHS",
        from_filters=legacy_shown.paths,
    ),
    QueryKind(
        name="StickinessQuery",
        node=StickinessQuery,
        has_result=True,
        has_breakdown=False,
        listed="STICKINESS",
        from_filters=legacy_shown.stickiness,
        ignored=ignored_counts.of_stickiness,
    ),
    QueryKind(
        name="LifecycleQuery",
        node=LifecycleQuery,
        has_result=True,
        has_breakdown=False,
        listed="LIFECYCLE",
        from_filters=legacy_shown.lifecycle,
        ignored=ignored_counts.of_lifecycle,
    ),
    QueryKind(name="HogQLQuery", listed="SQL"),
    QueryKind(name="EventsQuery"),
    QueryKind(
        name="FunnelCorrelationQuery",
        node=FunnelCorrelationQuery,
        has_result=True,
        has_source=True,
    ),
    QueryKind(
        name="FunnelsActorsQuery",
        node=FunnelsActorsQuery,
        is_source=False,
        has_source=True,
    ),
    QueryKind(
        name="FunnelCorrelationActorsQuery",
        node=FunnelCorrelationActorsQuery,
        is_source=False,
        has_source=True,
    ),
    QueryKind(
        name="InsightActorsQuery",
        node=InsightActorsQuery,
        is_source=False,
        has_source=True,
    ),
    QueryKind(
        name="StickinessActorsQuery",
        node=StickinessActorsQuery,
        is_source=False,
        has_source=True,
    ),
    QueryKind(
        name="InsightActorsQueryOptions",
        node=InsightActorsQueryOptions,
        is_source=False,
        has_source=True,
    ),
    QueryKind(name="ActorsQuery", node=ActorsQuery, has_source=True),
)

KINDS: dict[str, QueryKind] = {kind.name: kind for kind in _ROWS}
"""By name. Always asked and never copied: what is added counts everywhere."""


def kind_named(name: object) -> QueryKind | None:
    """None for what is no kind's name."""
    return KINDS.get(name) if isinstance(name, str) else None


def kind_of_filters(name: str) -> QueryKind | None:
    """The kind that legacy filters call so (`FUNNELS`)."""
    found = (kind for kind in KINDS.values() if kind.listed == name and kind.from_filters)
    return next(found, None)


def listed_names() -> frozenset[str]:
    """The values of a list's `insight=`; JSON is any query but SQL."""
    return frozenset({kind.listed for kind in KINDS.values()} - {OTHER}) | {"JSON"}
