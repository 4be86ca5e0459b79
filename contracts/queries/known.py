"""Members that some version of PostHog knows and that change no number here, per kind of node.

From its schemas of 2023 to 2026, deprecated members included: clients that are generated from any
of them write every default out. Members that are computed from are in `contracts.queries.nodes`.
"""

from collections.abc import Mapping

from contracts.queries.actors import ActorsQuery
from contracts.queries.counted import (
    CountedActionsNode,
    CountedEventsNode,
    CountedGroupNode,
    PeriodRange,
)
from contracts.queries.insight_actors import (
    InsightActorsQuery,
    InsightActorsQueryOptions,
    StickinessActorsQuery,
)
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import (
    ActionsNode,
    BreakdownFilter,
    BreakdownItem,
    CompareFilter,
    DateRange,
    EventsNode,
    FunnelCorrelationActorsQuery,
    FunnelCorrelationQuery,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    FunnelsActorsQuery,
    FunnelsFilter,
    FunnelsQuery,
    GroupNode,
    Node,
)
from contracts.queries.stickiness import StickinessCriteria, StickinessFilter, StickinessQuery
from contracts.queries.trends import (
    FormulaNode,
    TrendsBreakdownFilter,
    TrendsBreakdownItem,
    TrendsFilter,
    TrendsQuery,
)

_NODE = frozenset({"kind", "response", "version", "modifiers", "tags"})
_MATH = frozenset({
    "math", "math_property", "math_property_type", "math_property_revenue_currency", "math_hogql",
    "math_group_type_index", "math_multiplier", "optionalInFunnel",
})  # fmt: skip
_ACTION = _NODE | _MATH
_OF_EVENTS_QUERY = frozenset({
    "limit", "orderBy", "select", "where", "before", "after", "actionId", "personId",
})  # fmt: skip
_EVENT = _ACTION | _OF_EVENTS_QUERY

PASSED_OVER: Mapping[type[Node], frozenset[str]] = {
    FunnelsQuery: _NODE | {"dataColorTheme"},
    FunnelsFilter: frozenset({
        "breakdownSorting", "customAggregationTarget", "goalLines", "legendPosition",
        "resultCustomizations", "showAnnotations", "showLegend", "showTrendLines",
        "showValuesOnSeries", "useUdf",
    }),
    DateRange: frozenset({"excludeIncompletePeriods"}),
    BreakdownFilter: frozenset({"breakdown_histogram_bin_count", "breakdown_path_cleaning"}),
    BreakdownItem: frozenset({"histogram_bin_count"}),
    CompareFilter: frozenset(),
    EventsNode: _EVENT,
    ActionsNode: _ACTION,
    GroupNode: _EVENT,
    FunnelExclusionEventsNode: _EVENT,
    FunnelExclusionActionsNode: _ACTION,
    FunnelsActorsQuery: _NODE,
    FunnelCorrelationQuery: _NODE,
    FunnelCorrelationActorsQuery: _NODE,
    ActorsQuery: _NODE | {"properties", "fixedProperties"},
    CountedEventsNode: _NODE | _OF_EVENTS_QUERY,
    CountedActionsNode: _NODE,
    CountedGroupNode: _NODE | _OF_EVENTS_QUERY,
    PeriodRange: frozenset(),
    StickinessQuery: _NODE | {"aggregation_group_type_index", "dataColorTheme"},
    StickinessFilter: frozenset({
        "goalLines", "hiddenLegendIndexes", "legendPosition", "resultCustomizationBy",
        "resultCustomizations", "showLegend", "showMultipleYAxes", "showValuesOnSeries",
    }),
    StickinessCriteria: frozenset(),
    LifecycleQuery: _NODE | {"dataColorTheme", "lifecycleFilter"},
    InsightActorsQuery: _NODE,
    StickinessActorsQuery: _NODE,
    InsightActorsQueryOptions: _NODE,
    TrendsQuery: _NODE | {"dataColorTheme"},
    TrendsFilter: frozenset({
        "aggregationAxisFormat", "aggregationAxisPostfix", "aggregationAxisPrefix",
        "confidenceLevel", "decimalPlaces", "detailedResultsAggregationType",
        "excludeBoxPlotOutliers", "goalLines", "hiddenLegendIndexes", "hideWeekends",
        "legendPosition", "minDecimalPlaces", "movingAverageIntervals", "resultCustomizationBy",
        "resultCustomizations", "showAlertThresholdLines", "showAnnotations",
        "showConfidenceIntervals", "showLabelsOnSeries", "showLegend", "showMovingAverage",
        "showMultipleYAxes", "showPercentStackView", "showTrendLines", "showValuesOnSeries",
        "yAxisScaleType",
    }),
    TrendsBreakdownFilter: frozenset({"breakdown_path_cleaning"}),
    TrendsBreakdownItem: frozenset(),
    FormulaNode: frozenset(),
}  # fmt: skip


def passed_over(node: type[Node]) -> frozenset[str]:
    """Members of this kind of node that are known and without effect."""
    return PASSED_OVER.get(node, _NODE)


NOT_TOLD = frozenset({
    "kind", "response", "version", "tags", "label", "cohort_name", "group_key_names",
})  # fmt: skip
"""Notes of a client for itself, of its schema or an answer: no effect is expected."""

FILTER = frozenset({"key", "value", "values", "operator", "type", "group_type_index", "negation"})
"""The members of a property filter that are read."""

FILTER_PASSED_OVER = frozenset({
    "label", "cohort_name", "group_key_names",
    # Of PostHog's Property, which filters of cohorts and older clients are written from.
    "table", "bytecode", "conditionHash", "pairs", "event_type", "event_filters",
    "explicit_datetime", "explicit_datetime_to", "min_periods", "total_periods", "time_value",
    "time_interval", "operator_value", "seq_event", "seq_event_type", "seq_time_value",
    "seq_time_interval",
})  # fmt: skip

GROUP = frozenset({"type", "values", "id"})
"""Of a group of filters; its id is an editor's."""

OVERRIDES = frozenset({"date_from", "date_to", "properties", "breakdown_filter"})
OVERRIDES_PASSED_OVER = frozenset({"explicitDate", "interval", "filterTestAccounts"})

MEANT: Mapping[str, str] = {
    "events": "series", "actions": "series", "steps": "series",
    "from": "date_from", "start": "date_from", "since": "date_from",
    "to": "date_to", "end": "date_to", "until": "date_to",
    "id": "event",
}  # fmt: skip
"""Names that are spelled altogether differently from the member they mean -> that member."""
