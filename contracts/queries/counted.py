"""What queries that count over periods share: series with their mathematics, and a range.

Trends, stickiness and lifecycle read them. The nodes are those of `nodes` with a few members more.
"""

from contracts.queries.nodes import (
    ActionsNode,
    DataWarehouseNode,
    DateRange,
    EventsNode,
    GroupNode,
)


class CountedEventsNode(EventsNode, frozen=True, kw_only=True, tag_field="kind", tag="EventsNode"):
    """An event and what is counted of it.

    math: what is counted; None is total. math_property_type: event_properties (None too),
    person_properties or session_properties. math_property_revenue_currency: any is refused.
    """

    math_property: str | None = None
    math_property_type: str | None = None
    math_property_revenue_currency: object = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None
    math_multiplier: float | None = None


class CountedActionsNode(
    ActionsNode, frozen=True, kw_only=True, tag_field="kind", tag="ActionsNode"
):
    """An action and what is counted of it; members as those of `CountedEventsNode`."""

    math_property: str | None = None
    math_property_type: str | None = None
    math_property_revenue_currency: object = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None
    math_multiplier: float | None = None


class CountedGroupNode(GroupNode, frozen=True, kw_only=True, tag_field="kind", tag="GroupNode"):
    """Any of its nodes, each event once; the mathematics of the nodes themselves has no effect."""

    math_property: str | None = None
    math_property_type: str | None = None
    math_property_revenue_currency: object = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None
    math_multiplier: float | None = None


CountedNode = CountedEventsNode | CountedActionsNode | CountedGroupNode
CountedSeries = CountedNode | DataWarehouseNode


class PeriodRange(DateRange, frozen=True, kw_only=True):
    """excludeIncompletePeriods: the period still running, and a first one that is cut, leave.

    timezone: ours; the zone to compute in, in place of the project's.
    """

    excludeIncompletePeriods: bool | None = None
    timezone: str | None = None
