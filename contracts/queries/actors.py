"""ActorsQuery as it travels: a page of the people behind a number, as a table."""

from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.nodes import FunnelCorrelationActorsQuery, FunnelsActorsQuery, Node

AnyActorsQuery = (
    FunnelsActorsQuery | FunnelCorrelationActorsQuery | InsightActorsQuery | StickinessActorsQuery
)
"""The queries that point at people."""


class ActorsQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="ActorsQuery"):
    source: AnyActorsQuery | None = None
    select: tuple[str, ...] | None = None
    search: str | None = None
    orderBy: tuple[str, ...] | None = None
    limit: int | None = None
    offset: int | None = None
