"""The rules of funnels.md section 2, in its order and its words; then a few of our own.

Looks at the query alone: what needs the project (actions, cohorts, filters) is refused by planning.
"""

from collections.abc import Iterable

import msgspec

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.nodes import (
    ActionsNode,
    EventsNode,
    ExclusionNode,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    FunnelsFilter,
    FunnelsQuery,
    GroupNode,
    SeriesNode,
)
from contracts.queries.properties import PropertyFilter, PropertyGroup, read

MAX_STEPS = 64
MAX_EXCLUSIONS = 64
"""With as many steps, and their order in ties, an event still fits into 256 bits (layout.py)."""
STEPS = "funnels_require_at_least_two_steps"
RANGE = "funnel_step_range_invalid"
EXCLUSIONS = "funnel_exclusions_invalid"
OPTIONAL = "funnel_optional_steps_invalid"
_FilterSet = frozenset[PropertyFilter | PropertyGroup]


def check(query: FunnelsQuery, *, legacy: bool) -> None:
    """Raises InvalidQuery. legacy: one step is enough."""
    count, funnel = len(query.series), query.funnel
    if count < (1 if legacy else 2):
        raise InvalidQuery(None, STEPS, "Funnels require at least two steps.")
    _check_range(funnel, count)
    _check_exclusions(query)
    _check_optional(query)
    _check_attribution(funnel, count)
    _check_groups(query.series)
    if count > MAX_STEPS:
        raise invalid_input("series", f"A funnel has at most {MAX_STEPS} steps.")
    if len(funnel.exclusions or ()) > MAX_EXCLUSIONS:
        detail = f"A funnel has at most {MAX_EXCLUSIONS} exclusions."
        raise invalid_input("funnelsFilter__exclusions", detail)


def _check_range(funnel: FunnelsFilter, count: int) -> None:
    start, end = funnel.funnelFromStep, funnel.funnelToStep
    if start is not None and not 0 <= start <= count - 2:
        detail = f"funnelFromStep is out of bounds. It must be between 0 and {count - 2}."
        raise InvalidQuery(None, RANGE, detail)
    if end is not None and not 1 <= end <= count - 1:
        if funnel.funnelVizType == "time_to_convert":
            allowed = ", ".join(str(step) for step in range(1, count))
            detail = (
                f"Filter parameter funnel_to_step can only be one of {allowed} for time to convert!"
            )
            raise invalid_input(None, detail)
        detail = f"funnelToStep is out of bounds. It must be between 1 and {count - 1}."
        raise InvalidQuery(None, RANGE, detail)
    if start is not None and end is not None and start >= end:
        detail = "Funnel step range is invalid. funnelToStep should be greater than funnelFromStep."
        raise InvalidQuery(None, RANGE, detail)


def _check_exclusions(query: FunnelsQuery) -> None:
    exclusions, last = query.funnel.exclusions or (), len(query.series) - 1
    if query.funnel.funnelOrderType == "unordered":
        for exclusion in exclusions:
            if (exclusion.funnelFromStep, exclusion.funnelToStep) != (0, last):
                detail = "Partial Exclusions not allowed in unordered funnels"
                raise InvalidQuery(None, EXCLUSIONS, detail)
    for exclusion in exclusions:
        _check_exclusion(exclusion, query.series)


def _check_exclusion(exclusion: ExclusionNode, series: tuple[SeriesNode, ...]) -> None:
    start, end, last = exclusion.funnelFromStep, exclusion.funnelToStep, len(series) - 1
    invalid = "Exclusion event range is invalid."
    if start is None or end is None:
        raise InvalidQuery(None, EXCLUSIONS, "Exclusion event needs to define funnel steps")
    if start >= end:
        detail = f"{invalid} End of range should be greater than start."
        raise InvalidQuery(None, EXCLUSIONS, detail)
    if start >= last:
        detail = f"{invalid} Start of range is greater than number of steps."
        raise InvalidQuery(None, EXCLUSIONS, detail)
    if end > last:
        detail = f"{invalid} End of range is greater than number of steps."
        raise InvalidQuery(None, EXCLUSIONS, detail)
    if start < 0:
        detail = f"{invalid} Start of range is less than 0."
        raise InvalidQuery(None, EXCLUSIONS, detail)
    if any(_includes(step, exclusion) for step in series[start : end + 1]):
        detail = "Exclusion steps cannot contain an event that's part of funnel steps."
        raise InvalidQuery(None, EXCLUSIONS, detail)


def _check_optional(query: FunnelsQuery) -> None:
    optional = [_is_optional(node) for node in query.series]
    if not any(optional):
        return
    shown_as = query.funnel.funnelVizType or "steps"
    if query.funnel.funnelOrderType == "unordered" or shown_as not in ("steps", "flow"):
        detail = (
            "Optional funnel steps are only supported in funnels with step order Sequential or "
            'Strict and the graph type "Conversion Steps".'
        )
        raise InvalidQuery(None, OPTIONAL, detail)
    if optional[0]:
        detail = "The first step of a funnel cannot be optional."
        raise InvalidQuery(None, OPTIONAL, detail)
    for index in range(1, len(query.series) - 1):
        before, after = query.series[index], query.series[index + 1]
        # The required step would take every event that the optional one waits for.
        if optional[index] and not optional[index + 1] and _includes(after, before):
            detail = "An optional step cannot be the same as the following required step."
            raise InvalidQuery(None, OPTIONAL, detail)


def _check_attribution(funnel: FunnelsFilter, count: int) -> None:
    if funnel.breakdownAttributionType != "step":
        return
    step = funnel.breakdownAttributionValue
    if funnel.funnelOrderType == "unordered" and step not in (None, 0):
        detail = "Only the first step can be used for breakdown attribution in unordered funnels"
        raise invalid_input(None, detail)
    if step is None or not 0 <= step < count:
        detail = f"breakdownAttributionValue must be between 0 and {count - 1}."
        raise invalid_input("funnelsFilter__breakdownAttributionValue", detail)


def _check_groups(series: tuple[SeriesNode, ...]) -> None:
    for node in series:
        if isinstance(node, GroupNode) and node.operator != "OR":
            detail = f"Funnel step event groups only support the OR operator, got {node.operator}"
            raise invalid_input(None, detail)


def _is_optional(node: SeriesNode) -> bool:
    match node:
        case EventsNode() | ActionsNode() | GroupNode():
            return node.optionalInFunnel or False
        case _:
            return False


# When one entity includes another: the same event or action, and no filter that the other lacks


def _includes(wide: SeriesNode, narrow: SeriesNode | ExclusionNode) -> bool:
    """Whether `wide` has the event or action of `narrow` and a subset of its filters."""
    match wide, narrow:
        case EventsNode(), EventsNode() | FunnelExclusionEventsNode():
            same = wide.event == narrow.event
        case ActionsNode(), ActionsNode() | FunnelExclusionActionsNode():
            same = wide.id == narrow.id
        case GroupNode(), GroupNode():
            return msgspec.structs.replace(
                wide, optionalInFunnel=narrow.optionalInFunnel
            ) == narrow  # fmt: skip
        case _:
            return False
    return same and _filters(wide) <= _filters(narrow)


def _filters(
    node: EventsNode | ActionsNode | FunnelExclusionEventsNode | FunnelExclusionActionsNode,
) -> _FilterSet:
    own, fixed = read(node.properties, "series"), read(node.fixedProperties, "series")
    return frozenset([*_all_of(own), *_all_of(fixed)])


def _all_of(group: PropertyGroup) -> Iterable[PropertyFilter | PropertyGroup]:
    """The filters that must all hold; an OR is one of them."""
    if group.type == "OR" and len(group.values) > 1:
        return [group]
    found: list[PropertyFilter | PropertyGroup] = []
    for part in group.values:
        found += _all_of(part) if isinstance(part, PropertyGroup) else [part]
    return found
