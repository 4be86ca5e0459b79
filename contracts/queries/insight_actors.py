"""The people behind a number of trends, stickiness or lifecycle, and what there is to choose."""

from typing import Literal

from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import Node
from contracts.queries.stickiness import Criterion, StickinessQuery
from contracts.queries.trends import TrendsQuery

InsightSource = TrendsQuery | StickinessQuery | LifecycleQuery
Side = Literal["current", "previous"]
Status = Literal["new", "returning", "resurrecting", "dormant"]
BreakdownChoice = str | int | float | tuple[str | int | float, ...]


class InsightActorsQuery(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="InsightActorsQuery"
):
    """day: the point, as `days` names it; of stickiness, the number of intervals.

    series: from 0, the first when absent. breakdown: a row's breakdown_value. compare: the side,
    current when absent. status: of a lifecycle. interval, includeRecordings: without effect.
    """

    source: InsightSource
    day: str | int | None = None
    series: int | None = None
    breakdown: BreakdownChoice | None = None
    compare: Side | None = None
    status: Status | None = None
    interval: int | None = None
    includeRecordings: bool | None = None


class StickinessActorsQuery(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="StickinessActorsQuery"
):
    """operator: exactly so many intervals, gte or lte; it wins over the source's computedAs."""

    source: StickinessQuery
    day: str | int | None = None
    series: int | None = None
    operator: Criterion | None = None
    compare: Side | None = None
    includeRecordings: bool | None = None


class InsightActorsQueryOptions(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="InsightActorsQueryOptions"
):
    """What an InsightActorsQuery over the source can name: days, series, values, sides."""

    source: InsightActorsQuery | StickinessActorsQuery | InsightSource
