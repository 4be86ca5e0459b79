"""LifecycleQuery as it travels: who is new, comes back, returns after a pause, or falls silent."""

from contracts.queries.counted import CountedSeries, PeriodRange
from contracts.queries.nodes import Filters, IntervalType, Node


class LifecycleQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="LifecycleQuery"):
    """Exactly one series. Its lifecycleFilter is looks alone: all four rows are always there.

    customAggregationTarget: decodes, so that it can be refused.
    """

    series: tuple[CountedSeries, ...] = ()
    interval: IntervalType | None = None
    dateRange: PeriodRange | None = None
    properties: Filters = None
    filterTestAccounts: bool | None = None
    samplingFactor: float | None = None
    aggregation_group_type_index: int | None = None
    customAggregationTarget: bool | None = None
