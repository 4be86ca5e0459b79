"""Warnings about parts of a funnel's request that have no effect, given on demand
(`include=warnings`).
"""

from collections.abc import Iterable, Mapping

from contracts.queries import properties
from contracts.queries.loose import Filters, Json, json_value, number, present
from contracts.queries.nodes import DataWarehouseNode, FunnelsQuery, GroupNode, SeriesNode

FIRST_TIME = ("first_time_for_user", "first_time_for_user_with_filters")
_VALUELESS = ("is_set", "is_not_set")
_WITHOUT_VALUE = ("hogql", "empty", "flag")


def of_filters(filters: Filters) -> list[str]:
    """A sentence for each part that the conversion of legacy filters leaves out, in the order of
    the fields.
    """
    found = []
    for field in ("events", "actions"):
        for index, entity in enumerate(_listed(filters, field)):
            found += _of_entity(field, index, entity)
    if present(filters, "sampling_factor") and number(filters.get("sampling_factor")) is None:
        found.append("sampling_factor is not a number and was ignored.")
    if present(filters, "compare"):
        found.append("compare has no effect on a legacy funnel.")
    return found


def _listed(filters: Filters, field: str) -> Iterable[Json]:
    sent = json_value(filters, field)
    return sent if isinstance(sent, list | tuple) else ()


def _of_entity(field: str, index: int, entity: Json) -> list[str]:
    if not isinstance(entity, Mapping):
        return [f"{field}[{index}] is not an object and was left out."]
    if field == "actions" and number(entity.get("id")) is None:
        return [f"actions[{index}] has no id and was left out."]
    math = entity.get("math")
    if math and math not in FIRST_TIME:
        return [f"{field}[{index}]: math '{str(math)[:100]}' has no effect on funnels."]
    return []


def of_members(paths: Iterable[str]) -> list[str]:
    """A sentence for each member that `members.check_members` found without effect."""
    return [f"{path[:200]} has no effect." for path in paths]


def of_query(query: FunnelsQuery) -> list[str]:
    """A sentence for each part of a query node without effect: mathematics, empty filters, an
    unused breakdown.
    """
    found = list(empty_filters("properties", query.properties))
    for index, node in enumerate(query.series):
        found += _of_node(index, node)
    breakdown = query.breakdownFilter
    if breakdown is not None and breakdown.breakdown_hide_other_aggregation:
        found.append("breakdown_hide_other_aggregation has no effect on funnels.")
    if breakdown is not None and (breakdown.breakdown or breakdown.breakdowns):
        if query.funnel.funnelVizType == "time_to_convert":
            found.append("A breakdown has no effect on time to convert.")
        elif breakdown.breakdown_type == "cohort" and query.funnel.breakdownAttributionType:
            found.append("An attribution has no effect on a breakdown by cohort.")
    return found


def _of_node(index: int, node: SeriesNode) -> list[str]:
    if isinstance(node, DataWarehouseNode):
        return []
    found = list(empty_filters(f"series[{index}].properties", node.properties))
    if node.math and node.math not in FIRST_TIME:
        found.append(f"series[{index}]: math '{node.math[:100]}' has no effect on funnels.")
    if isinstance(node, GroupNode) and any(getattr(one, "math", None) for one in node.nodes):
        found.append(f"series[{index}]: the math of a group's events has no effect.")
    return found


def empty_filters(path: str, sent: Json) -> Iterable[str]:
    """The filters that say nothing. path: the member that they stand in."""
    for filter_ in _all(properties.read(sent, path)):
        needs_value = filter_.operator not in _VALUELESS and filter_.type not in _WITHOUT_VALUE
        if needs_value and not filter_.values:
            yield f"{path}: the filter on '{filter_.key[:100]}' has no value and was ignored."


def _all(group: properties.PropertyGroup) -> Iterable[properties.PropertyFilter]:
    for part in group.values:
        if isinstance(part, properties.PropertyGroup):
            yield from _all(part)
        else:
            yield part
