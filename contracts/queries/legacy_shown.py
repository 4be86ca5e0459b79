"""The query node that legacy filters mean, a function for each kind that had them.

Funnels are converted whole. Of the other kinds, what they share with funnels is read as a funnel's,
and the rest is renamed value for value; nulls and "" say nothing. The documents of trends,
stickiness and lifecycle decode into their query nodes. PostHog: filter_to_query.
"""

from collections.abc import Callable, Mapping
from typing import get_args

import msgspec

from contracts.queries.entities import Entity, placed
from contracts.queries.errors import invalid_input
from contracts.queries.legacy import convert
from contracts.queries.loose import Filters, Json, boolean, json_value, present
from contracts.queries.nodes import DataWarehouseNode, FunnelsQuery, Node
from contracts.queries.trends import PointsDisplay, ValueDisplay

Document = dict[str, Json]
Math = Callable[[Entity], Document]


def stored_filters(stored: Json) -> Filters:
    """Filters in any shape that they were ever stored in: JSON text, even twice; a list of one.

    {} for none. Raises InvalidQuery for anything else.
    """
    for _ in range(_MOST_WRAPPINGS):
        match stored:
            case Mapping():
                return stored
            case None | "" | []:
                return {}
            case str():
                stored = json_value({"filters": stored}, "filters")
            case [one]:
                stored = one
            case _:
                break
    raise invalid_input("filters", "Filters are an object.")


_MOST_WRAPPINGS = 5


def funnels(filters: Filters) -> Document:
    """Raises InvalidQuery, as all of these do, where what is shared cannot be read."""
    return _document(convert(filters))


def retention(filters: Filters) -> Document:
    return {
        "kind": "RetentionQuery",
        **_shared(filters, _EVERYWHERE, _GROUP),
        **_said(retentionFilter=_retention(filters)),
    }


def paths(filters: Filters) -> Document:
    return {
        "kind": "PathsQuery",
        **_shared(filters, _EVERYWHERE, _GROUP),
        **_said(pathsFilter=_renamed(filters, _PATHS), funnelPathsFilter=_around_paths(filters)),
    }


def stickiness(filters: Filters) -> Document:
    return {
        "kind": "StickinessQuery",
        "series": _series(filters, _actors_math),
        **_shared(filters, _EVERYWHERE, _INTERVAL),
        **_said(
            compareFilter=_compare(filters),
            stickinessFilter=_renamed(filters, _STICKINESS) | _hidden(filters),
        ),
    }


def lifecycle(filters: Filters) -> Document:
    return {
        "kind": "LifecycleQuery",
        "series": _series(filters, lambda _: {}),
        **_shared(filters, _EVERYWHERE, _INTERVAL, _GROUP),
        **_said(lifecycleFilter=_renamed(filters, _LIFECYCLE)),
    }


def trends(filters: Filters) -> Document:
    return {
        "kind": "TrendsQuery",
        "series": _series(filters, _math),
        **_shared(filters, _EVERYWHERE, _INTERVAL, _GROUP),
        **_said(
            breakdownFilter=_breakdown(filters),
            compareFilter=_compare(filters),
            trendsFilter=_trends(filters),
        ),
    }


# What kinds share

_EVERYWHERE = (
    "date_from", "date_to", "explicit_date", "properties", "filter_test_accounts",
    "sampling_factor",
)  # fmt: skip
_INTERVAL = ("interval",)
_GROUP = ("aggregation_group_type_index",)


def _shared(filters: Filters, *names: tuple[str, ...]) -> Document:
    shown = _document(_as_funnel(filters, *names))
    del shown["kind"]
    return shown


def _as_funnel(filters: Filters, *names: tuple[str, ...]) -> FunnelsQuery:
    """A funnel that says no more than these fields of the filters do."""
    kept = [name for group in names for name in group]
    return convert({name: filters[name] for name in kept if name in filters})


def _document(node: Node) -> Document:
    shown: Document = msgspec.json.decode(msgspec.json.encode(node))
    return shown


def _said(**documents: Document) -> Document:
    """Without those that say nothing."""
    return {name: document for name, document in documents.items() if document}


def _renamed(filters: Mapping[str, Json], names: Mapping[str, str]) -> Document:
    """names: what the node calls a field, by its legacy name. Nulls and "" vanish."""
    return {new: filters[old] for old, new in names.items() if present(filters, old)}


# Series

_MATH = {
    name: name
    for name in (
        "math", "math_property", "math_property_type", "math_property_revenue_currency",
        "math_hogql", "math_group_type_index",
    )
}  # fmt: skip
_TABLE = {name: name for name in ("id_field", "distinct_id_field", "timestamp_field", "table_name")}
_COUNTS_ACTORS = ("dau", "weekly_active", "monthly_active", "unique_group", "hogql")


def _series(filters: Filters, math: Math) -> list[Document]:
    series = []
    for entity, node in placed(filters):
        shown = _document(node)
        shown.pop("math", None)
        shown |= math(entity)
        if isinstance(node, DataWarehouseNode):
            shown |= _renamed(entity, _TABLE)
        series.append(shown)
    return series


def _math(entity: Entity) -> Document:
    return _renamed(entity, _MATH)


def _actors_math(entity: Entity) -> Document:
    """Stickiness counts actors: any other mathematics becomes daily active users."""
    math = entity.get("math")
    return {"math": "dau"} if math and math not in _COUNTS_ACTORS else _math(entity)


# What each kind has of its own

_TRENDS = {
    "smoothing_intervals": "smoothingIntervals",
    "show_legend": "showLegend",
    "show_alert_threshold_lines": "showAlertThresholdLines",
    "aggregation_axis_format": "aggregationAxisFormat",
    "aggregation_axis_prefix": "aggregationAxisPrefix",
    "aggregation_axis_postfix": "aggregationAxisPostfix",
    "decimal_places": "decimalPlaces",
    "formula": "formula",
    "show_values_on_series": "showValuesOnSeries",
    "show_percent_stack_view": "showPercentStackView",
    "show_label_on_series": "showLabelsOnSeries",
    "show_labels_on_series": "showLabelsOnSeries",
    "y_axis_scale_type": "yAxisScaleType",
    "show_multiple_y_axes": "showMultipleYAxes",
}
_DISPLAYS = frozenset((*get_args(PointsDisplay), *get_args(ValueDisplay)))
_LEGEND = {"show_legend": "showLegend", "show_values_on_series": "showValuesOnSeries"}
_STICKINESS = {"display": "display", **_LEGEND}
_LIFECYCLE = {"toggledLifecycles": "toggledLifecycles", **_LEGEND}
_RETENTION = {
    "retention_type": "retentionType",
    "retention_reference": "retentionReference",
    "total_intervals": "totalIntervals",
    "period": "period",
    "mean_retention_calculation": "meanRetentionCalculation",
    "cumulative": "cumulative",
}
_RETAINED = {"returning_entity": "returningEntity", "target_entity": "targetEntity"}
_ENTITY = {name: name for name in ("id", "type", "name", "custom_name", "order")}
_PATHS = {
    "paths_hogql_expression": "pathsHogQLExpression",
    "include_event_types": "includeEventTypes",
    "start_point": "startPoint",
    "end_point": "endPoint",
    "path_groupings": "pathGroupings",
    "exclude_events": "excludeEvents",
    "step_limit": "stepLimit",
    "path_replacements": "pathReplacements",
    "local_path_cleaning_filters": "localPathCleaningFilters",
    "edge_limit": "edgeLimit",
    "min_edge_weight": "minEdgeWeight",
    "max_edge_weight": "maxEdgeWeight",
}
_BREAKDOWN = (
    "breakdown", "breakdown_type", "breakdown_limit", "breakdown_group_type_index",
    "breakdown_normalize_url", "breakdown_hide_other_aggregation",
)  # fmt: skip
_ONE_OF_SEVERAL = {
    name: name
    for name in ("type", "property", "normalize_url", "histogram_bin_count", "group_type_index")
}
_MOST_BREAKDOWNS = 3


def _trends(filters: Filters) -> Document:
    """A display of another kind says nothing."""
    display = filters.get("display")
    shown = {"display": display} if isinstance(display, str) and display in _DISPLAYS else {}
    return _renamed(filters, _TRENDS) | _hidden(filters) | shown


def _compare(filters: Filters) -> Document:
    compare = boolean(filters, "compare")
    shown = {} if compare is None else {"compare": compare}
    return shown | _renamed(filters, {"compare_to": "compare_to"})


def _hidden(filters: Filters) -> Document:
    """{"1": true, "2": false}: the places of the series that are hidden."""
    sent = json_value(filters, "hidden_legend_keys")
    if not isinstance(sent, Mapping):
        return {}
    places = [int(key) for key, hidden in sent.items() if hidden is True and _is_place(key)]
    return {"hiddenLegendIndexes": places} if places else {}


def _is_place(key: str) -> bool:
    return len(key) < 10 and key.isascii() and key.isdigit()


def _breakdown(filters: Filters) -> Document:
    """Trends may have several breakdowns, of which three count."""
    of_one = _as_funnel(filters, _BREAKDOWN).breakdownFilter
    shown = {} if of_one is None else _document(of_one)
    match shown.get("breakdown"):
        case [alone] if shown.get("breakdown_type") != "cohort":
            shown["breakdown"] = alone
        case _:
            pass
    shown |= _renamed(filters, {"breakdown_histogram_bin_count": "breakdown_histogram_bin_count"})
    sent = json_value(filters, "breakdowns")
    several = [
        {"type": "event"} | _renamed(one, _ONE_OF_SEVERAL)
        for one in (sent if isinstance(sent, list) else ())
        if isinstance(one, Mapping) and "property" in one
    ]
    return shown | ({"breakdowns": several[:_MOST_BREAKDOWNS]} if several else {})


def _retention(filters: Filters) -> Document:
    """`show_mean` is the older name of whether a mean is shown."""
    shown = _renamed(filters, _RETENTION)
    if "meanRetentionCalculation" not in shown and boolean(filters, "show_mean") is not None:
        shown["meanRetentionCalculation"] = "simple" if boolean(filters, "show_mean") else "none"
    for old, new in _RETAINED.items():
        entity = json_value(filters, old)
        if isinstance(entity, Mapping):
            shown[new] = _renamed(entity, _ENTITY)
    return shown


def _around_paths(filters: Filters) -> Document:
    """The funnel before, between or after whose steps the paths lie."""
    place, funnel = filters.get("funnel_paths"), json_value(filters, "funnel_filter")
    if not place or not isinstance(funnel, Mapping) or not funnel:
        return {}
    shown = {"funnelPathType": place, "funnelSource": _document(convert(funnel))}
    return shown | _renamed(funnel, {"funnel_step": "funnelStep"})
