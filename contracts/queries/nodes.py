"""Query nodes as they travel: wire names, unknown members ignored, nulls as good as absent.

`contracts.queries.reading` fills them from JSON, numbers as text included. Property filters stay as
they were sent (`Filters`): `contracts.queries.properties` reads them.
"""

from typing import Annotated, Any, Literal

import msgspec

VizType = Literal["steps", "trends", "time_to_convert", "flow"]
OrderType = Literal["ordered", "strict", "unordered"]
AttributionType = Literal["first_touch", "last_touch", "all_events", "step"]
IntervalType = Literal["second", "minute", "hour", "day", "week", "month"]

DayOfWeek = Annotated[int, msgspec.Meta(ge=1, le=7)]
"""ISO: 1 is Monday, 7 is Sunday."""

Filters = Any
"""Property filters as sent: None, a list, or a group {type, values}. Read by `properties.read`."""


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of every node: unknown members are ignored."""


class EventsNode(Node, frozen=True, kw_only=True, tag_field="kind", tag="EventsNode"):
    """event: None is any event."""

    event: str | None = None
    name: str | None = None
    custom_name: str | None = None
    properties: Filters = None
    fixedProperties: Filters = None
    math: str | None = None
    optionalInFunnel: bool | None = None


class ActionsNode(Node, frozen=True, kw_only=True, tag_field="kind", tag="ActionsNode"):
    id: int
    name: str | None = None
    custom_name: str | None = None
    properties: Filters = None
    fixedProperties: Filters = None
    math: str | None = None
    optionalInFunnel: bool | None = None


class DataWarehouseNode(Node, frozen=True, kw_only=True, tag_field="kind", tag="DataWarehouseNode"):
    """Decodes, so that it can be refused with the right words."""

    id: str | None = None
    table_name: str | None = None


class GroupNode(Node, frozen=True, kw_only=True, tag_field="kind", tag="GroupNode"):
    """Any of its nodes. operator: AND decodes, so that it can be refused with the right words."""

    nodes: tuple[EventsNode | ActionsNode | DataWarehouseNode, ...] = ()
    operator: Literal["OR", "AND"] = "OR"
    name: str | None = None
    custom_name: str | None = None
    properties: Filters = None
    fixedProperties: Filters = None
    math: str | None = None
    optionalInFunnel: bool | None = None


SeriesNode = EventsNode | ActionsNode | GroupNode | DataWarehouseNode


class FunnelExclusionEventsNode(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="EventsNode"
):
    """On the wire an `EventsNode` with two members more. The longer name is read as well.

    From and to are required; None where they were missing, for the right words.
    """

    event: str | None = None
    name: str | None = None
    custom_name: str | None = None
    properties: Filters = None
    fixedProperties: Filters = None
    funnelFromStep: int | None = None
    funnelToStep: int | None = None


class FunnelExclusionActionsNode(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="ActionsNode"
):
    id: int
    name: str | None = None
    custom_name: str | None = None
    properties: Filters = None
    fixedProperties: Filters = None
    funnelFromStep: int | None = None
    funnelToStep: int | None = None


ExclusionNode = FunnelExclusionEventsNode | FunnelExclusionActionsNode


class DateRange(Node, frozen=True, kw_only=True):
    """daysOfWeek: the days that count, in the project's timezone; none named: all of them."""

    date_from: str | None = None
    date_to: str | None = None
    explicitDate: bool | None = None
    daysOfWeek: tuple[DayOfWeek, ...] | None = None


class BreakdownItem(Node, frozen=True, kw_only=True):
    """One of several breakdowns of a query."""

    property: str | int | None = None
    type: str | None = None
    group_type_index: int | None = None
    normalize_url: bool | None = None


class BreakdownFilter(Node, frozen=True, kw_only=True):
    breakdown: str | int | tuple[str | int, ...] | None = None
    breakdown_type: str | None = None
    breakdowns: tuple[BreakdownItem, ...] | None = None
    breakdown_limit: int | None = None
    breakdown_group_type_index: int | None = None
    breakdown_normalize_url: bool | None = None
    breakdown_hide_other_aggregation: bool | None = None


class CompareFilter(Node, frozen=True, kw_only=True):
    compare: bool | None = None
    compare_to: str | None = None


class FunnelsFilter(Node, frozen=True, kw_only=True):
    """The options of a funnel alone. None: the default."""

    funnelVizType: VizType | None = None
    funnelOrderType: OrderType | None = None
    funnelWindowInterval: int | None = None
    funnelWindowIntervalUnit: str | None = None
    breakdownAttributionType: AttributionType | None = None
    breakdownAttributionValue: int | None = None
    funnelFromStep: int | None = None
    funnelToStep: int | None = None
    binCount: int | None = None
    funnelAggregateByHogQL: str | None = None
    exclusions: tuple[ExclusionNode, ...] | None = None
    hideIncompleteConversionWindowPeriods: bool | None = None
    funnelStepReference: str | None = None
    layout: str | None = None
    hiddenLegendBreakdowns: tuple[str, ...] | None = None


class FunnelsQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="FunnelsQuery"):
    """A funnel as the client sent it: nothing defaulted, nothing validated beyond types."""

    series: tuple[SeriesNode, ...] = ()
    interval: IntervalType | None = None
    dateRange: DateRange | None = None
    properties: Filters = None
    filterTestAccounts: bool | None = None
    samplingFactor: float | None = None
    aggregation_group_type_index: int | None = None
    breakdownFilter: BreakdownFilter | None = None
    compareFilter: CompareFilter | None = None
    funnelsFilter: FunnelsFilter | None = None

    @property
    def funnel(self) -> FunnelsFilter:
        return self.funnelsFilter or FunnelsFilter()


class FunnelsActorsQuery(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="FunnelsActorsQuery"
):
    """The actors behind a number. funnelStep: 1-based, negative for those who dropped before it.

    funnelCustomSteps: instead of it, those whose last step is one of these.
    funnelConversionTime…: ours; seconds, of a bin of time to convert: from, up to but not, to.
    """

    source: FunnelsQuery
    funnelStep: int | None = None
    funnelCustomSteps: tuple[int, ...] | None = None
    funnelStepBreakdown: str | int | float | tuple[str | int | float, ...] | None = None
    funnelTrendsDropOff: bool | None = None
    funnelTrendsEntrancePeriodStart: str | None = None
    funnelConversionTimeFrom: int | None = None
    funnelConversionTimeTo: int | None = None
    includeRecordings: bool | None = None


class FunnelCorrelationQuery(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="FunnelCorrelationQuery"
):
    source: FunnelsActorsQuery
    funnelCorrelationType: Literal["events", "properties", "event_with_properties"] = "events"
    funnelCorrelationNames: tuple[str, ...] | None = None
    funnelCorrelationExcludeNames: tuple[str, ...] | None = None
    funnelCorrelationExcludeEventNames: tuple[str, ...] | None = None
    funnelCorrelationEventNames: tuple[str, ...] | None = None
    funnelCorrelationEventExcludePropertyNames: tuple[str, ...] | None = None


class FunnelCorrelationActorsQuery(
    Node, frozen=True, kw_only=True, tag_field="kind", tag="FunnelCorrelationActorsQuery"
):
    """funnelCorrelationPersonConverted: None is both."""

    source: FunnelCorrelationQuery
    funnelCorrelationPersonConverted: bool | None = None
    funnelCorrelationPersonEntity: EventsNode | ActionsNode | None = None
    funnelCorrelationPropertyValues: Filters = None
    includeRecordings: bool | None = None


WRAPPERS = frozenset({"InsightVizNode", "DataVisualizationNode", "DataTableNode"})
"""Kinds of node that show a source."""
