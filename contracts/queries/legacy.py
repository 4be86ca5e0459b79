"""Legacy filters (`insight: FUNNELS, events: […]`) and the query node that they mean.

In a query string lists and objects are JSON text; in a body they may be either. The coercions
are PostHog's (funnels.md section 1), oddities included, with the repairs that page names.
"""

import re
from collections.abc import Mapping
from typing import TypeGuard, TypeVar, get_args

from contracts.queries import properties
from contracts.queries.entities import exclusions, series
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.loose import Json, boolean, integer, json_value, number, present, text
from contracts.queries.nodes import (
    AttributionType,
    BreakdownFilter,
    DateRange,
    FunnelsFilter,
    FunnelsQuery,
    IntervalType,
    OrderType,
    VizType,
)

Filters = Mapping[str, Json]
_CAPITAL = re.compile("(?=[A-Z])")

_INTERVALS: tuple[IntervalType, ...] = ("hour", "day", "week", "month")
_VIZ: tuple[VizType, ...] = get_args(VizType)
_ORDERS: tuple[OrderType, ...] = get_args(OrderType)
_ATTRIBUTIONS: tuple[AttributionType, ...] = get_args(AttributionType)
_Choice = TypeVar("_Choice", bound=str)
_ONE_TYPE = "Breakdowns must all be of one type."


def insight_kind(filters: Filters) -> str:
    """TRENDS (also when absent), FUNNELS, RETENTION, PATHS, STICKINESS, LIFECYCLE, as it was sent.

    The oldest insights of stickiness and lifecycle are trends that are shown as those.
    """
    named = (text(filters, "insight") or "TRENDS").upper()
    shown_as = filters.get("shown_as")
    if named == "TRENDS" and shown_as in ("Stickiness", "Lifecycle"):
        return str(shown_as).upper()
    return named


def convert(filters: Filters) -> FunnelsQuery:
    """The funnel that legacy filters ask for, whatever their `insight` says.

    Raises InvalidQuery where a value cannot be read; what it means is checked in planning.
    """
    sent = properties.read(json_value(filters, "properties"))
    return FunnelsQuery(
        series=series(filters),
        interval=_interval(filters),
        dateRange=_dates(filters),
        properties=_global_properties(sent) if sent.values else None,
        filterTestAccounts=boolean(filters, "filter_test_accounts"),
        samplingFactor=_sampling(filters),
        aggregation_group_type_index=integer(filters, "aggregation_group_type_index"),
        breakdownFilter=_breakdown(filters),
        funnelsFilter=_funnel(filters),
    )


def _global_properties(sent: properties.PropertyGroup) -> Json:
    """A list becomes AND(AND(list)); a group of groups stays what it is."""
    nested = all(isinstance(part, properties.PropertyGroup) for part in sent.values)
    return properties.wire(sent if nested else properties.PropertyGroup("AND", (sent,)))


def _dates(filters: Filters) -> DateRange | None:
    dates = DateRange(
        date_from=text(filters, "date_from"),
        date_to=text(filters, "date_to"),
        explicitDate=boolean(filters, "explicit_date"),
    )
    return dates if dates != DateRange() else None


def _interval(filters: Filters) -> IntervalType | None:
    sent = text(filters, "interval")
    if sent == "minute":
        return "hour"
    return _choice(filters, "interval", _INTERVALS)


def _sampling(filters: Filters) -> float | None:
    """Unreadable text is ignored."""
    sent = filters.get("sampling_factor")
    return number(sent)


# Breakdowns


def _breakdown(filters: Filters) -> BreakdownFilter | None:
    breakdown, type_ = _breakdown_and_type(filters)
    found = BreakdownFilter(
        breakdown=breakdown,
        breakdown_type=type_ if breakdown is not None else None,
        breakdown_limit=integer(filters, "breakdown_limit"),
        breakdown_group_type_index=integer(filters, "breakdown_group_type_index"),
        breakdown_normalize_url=boolean(filters, "breakdown_normalize_url"),
        breakdown_hide_other_aggregation=boolean(filters, "breakdown_hide_other_aggregation"),
    )
    return found if found != BreakdownFilter() else None


def _is_name(sent: object) -> TypeGuard[str | int]:
    """Of a property, or the number of a cohort."""
    return isinstance(sent, str) or (type(sent) is int and abs(sent) < 2**63)


_Breakdown = str | int | tuple[str | int, ...] | None


def _breakdown_and_type(filters: Filters) -> tuple[_Breakdown, str | None]:
    several = json_value(filters, "breakdowns")
    if several:
        breakdown, type_ = _of_several(several)
    else:
        breakdown = json_value(filters, "breakdown", plain_text=True)
        type_ = filters.get("breakdown_type")
    if type_ == "undefined":
        # A client's missing value; it counts only beside a property name.
        return (breakdown, "event") if isinstance(breakdown, str) and breakdown else (None, None)
    type_ = _breakdown_type(type_)
    if isinstance(breakdown, list | tuple):
        kept = tuple(one for one in breakdown if _is_name(one))
        return (kept or None), type_
    if _is_name(breakdown) and breakdown != "":
        return breakdown, type_
    return None, None


def _breakdown_type(sent: Json) -> str:
    return "event" if sent in (None, "", "events") else str(sent)


def _of_several(sent: Json) -> tuple[Json, Json]:
    """The equivalent `breakdown` and `breakdown_type`: one alone is one property, not a list."""
    if not isinstance(sent, list | tuple) or not all(isinstance(one, Mapping) for one in sent):
        raise invalid_input("breakdowns", "Breakdowns are objects with type and property.")
    types = {_breakdown_type(one.get("type")) for one in sent}
    if len(types) > 1:
        raise invalid_input("breakdowns", _ONE_TYPE)
    named = [one.get("property") for one in sent]
    return (named if len(named) > 1 else named[0]), types.pop()


# The options of funnels alone


def _funnel(filters: Filters) -> FunnelsFilter | None:
    interval, unit = _window(filters)
    found = FunnelsFilter(
        funnelVizType=_viz(filters),
        funnelOrderType=_choice(filters, "funnel_order_type", _ORDERS),
        funnelWindowInterval=interval,
        funnelWindowIntervalUnit=unit,
        breakdownAttributionType=_choice(filters, "breakdown_attribution_type", _ATTRIBUTIONS),
        breakdownAttributionValue=integer(filters, "breakdown_attribution_value"),
        funnelFromStep=integer(filters, "funnel_from_step"),
        funnelToStep=integer(filters, "funnel_to_step"),
        binCount=integer(filters, "bin_count") or None,
        funnelAggregateByHogQL=text(filters, "funnel_aggregate_by_hogql"),
        exclusions=exclusions(filters) or None,
        funnelStepReference=text(filters, "funnel_step_reference"),
        layout=text(filters, "layout"),
        hiddenLegendBreakdowns=_hidden(filters),
    )
    return found if found != FunnelsFilter() else None


def _viz(filters: Filters) -> VizType | None:
    named = _choice(filters, "funnel_viz_type", _VIZ)
    if named is None and filters.get("display") == "ActionsLineGraph":
        return "trends"
    return named


def _choice(filters: Filters, name: str, known: tuple[_Choice, ...]) -> _Choice | None:
    sent = text(filters, name)
    for one in known:
        if one == sent:
            return one
    if sent is not None:
        raise invalid_input(name, f'"{sent[:100]}" is not a valid choice.')
    return None


def _window(filters: Filters) -> tuple[int | None, str | None]:
    """`funnel_window_interval_type` is the docs' name of the unit; funnel_window_days is older."""
    interval = integer(filters, "funnel_window_interval")
    unit = text(filters, "funnel_window_interval_unit") or text(
        filters, "funnel_window_interval_type"
    )
    if not present(filters, "funnel_window_interval") and present(filters, "funnel_window_days"):
        days = integer(filters, "funnel_window_days")
        return (days, "day") if days else (None, unit)
    return interval or None, unit


def _hidden(filters: Filters) -> tuple[str, ...] | None:
    sent = json_value(filters, "hidden_legend_keys")
    if not isinstance(sent, Mapping):
        return None
    return tuple(name for name, hidden in sent.items() if hidden) or None


# The legacy request's spelling of the member that a node's refusal names.
_SPELLINGS = {
    "series": "events",
    "filterTestAccounts": "filter_test_accounts",
    "samplingFactor": "sampling_factor",
    "dateRange__date_from": "date_from",
    "dateRange__date_to": "date_to",
    "breakdownFilter": "breakdown",
    "breakdownFilter__breakdown": "breakdown",
    "breakdownFilter__breakdown_type": "breakdown_type",
    "breakdownFilter__breakdown_limit": "breakdown_limit",
    "breakdownFilter__breakdown_group_type_index": "breakdown_group_type_index",
    "funnelsFilter__breakdownAttributionValue": "breakdown_attribution_value",
    "funnelsFilter__breakdownAttributionType": "breakdown_attribution_type",
    "funnelsFilter__funnelWindowInterval": "funnel_window_interval",
    "funnelsFilter__funnelWindowIntervalUnit": "funnel_window_interval_unit",
    "funnelsFilter__funnelAggregateByHogQL": "funnel_aggregate_by_hogql",
    "funnelsFilter__funnelFromStep": "funnel_from_step",
    "funnelsFilter__funnelToStep": "funnel_to_step",
    "funnelsFilter__binCount": "bin_count",
    "funnelsFilter__exclusions": "exclusions",
    "funnelStep": "funnel_step",
    "funnelCustomSteps": "funnel_custom_steps",
    # Only a search has a legacy request sort its people.
    "query__orderBy": "search",
    "funnelStepBreakdown": "funnel_step_breakdown",
    "funnelTrendsEntrancePeriodStart": "entrance_period_start",
    "funnelTrendsDropOff": "drop_off",
    "funnelConversionTimeFrom": "funnel_conversion_time_from",
    "funnelConversionTimeTo": "funnel_conversion_time_to",
    "funnelCorrelationPersonEntity": "funnel_correlation_person_entity",
    "funnelCorrelationPropertyValues": "funnel_correlation_property_values",
}


def spelled(refused: InvalidQuery) -> InvalidQuery:
    """The refusal of a node, naming the field of the legacy request it came from."""
    attr = refused.attr
    if attr is None:
        return refused
    return InvalidQuery(_spelled(attr), refused.code, refused.detail)


def _spelled(attr: str) -> str:
    """By name, else by the object of the node that has the member."""
    if attr in _SPELLINGS:
        return _SPELLINGS[attr]
    outer, _, inner = attr.removeprefix("query__").partition("__")
    member = inner.partition("__")[0]
    match outer:
        case "series":
            return "events"
        case "dateRange" | "compareFilter" | "breakdownFilter" if member:
            return member
        case "trendsFilter" | "stickinessFilter" | "lifecycleFilter" if member:
            return _CAPITAL.sub("_", member).lower()
        case _:
            return attr
