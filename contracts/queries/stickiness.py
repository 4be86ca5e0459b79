"""StickinessQuery as it travels: in how many intervals actors were active."""

from typing import Literal

from contracts.queries.counted import CountedSeries, PeriodRange
from contracts.queries.nodes import CompareFilter, Filters, IntervalType, Node

Criterion = Literal["gte", "lte", "exact"]


class StickinessCriteria(Node, frozen=True, kw_only=True):
    """How many events of an interval make an actor active in it."""

    operator: Criterion
    value: int


class StickinessFilter(Node, frozen=True, kw_only=True):
    """computedAs: cumulative counts actors of k intervals or more. display: looks."""

    computedAs: Literal["non_cumulative", "cumulative"] | None = None
    stickinessCriteria: StickinessCriteria | None = None
    display: str | None = None


class StickinessQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="StickinessQuery"):
    """intervalCount: so many periods make one interval.

    breakdownFilter: decodes, so that it can be refused.
    """

    series: tuple[CountedSeries, ...] = ()
    interval: IntervalType | None = None
    intervalCount: int | None = None
    dateRange: PeriodRange | None = None
    properties: Filters = None
    filterTestAccounts: bool | None = None
    samplingFactor: float | None = None
    breakdownFilter: dict[str, object] | None = None
    compareFilter: CompareFilter | None = None
    stickinessFilter: StickinessFilter | None = None

    @property
    def stickiness(self) -> StickinessFilter:
        return self.stickinessFilter or StickinessFilter()
