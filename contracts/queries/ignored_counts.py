"""Warnings about parts of a query over periods that have no effect, given on demand
(`include=warnings`).

A sentence each. Parts that depend on the project (an unknown action, a property that no event has)
are not told here.
"""

from collections.abc import Iterator

from contracts.queries.counted import CountedGroupNode, CountedNode, CountedSeries
from contracts.queries.ignored import empty_filters
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.nodes import DataWarehouseNode, Filters
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery

_NO_POINTS = frozenset({
    "BoldNumber", "ActionsPie", "ActionsBarValue", "ActionsTable", "WorldMap", "Progress",
})  # fmt: skip
_OF_PROPERTY = frozenset({"sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99"})
_OF_ACTORS = frozenset({"dau", "weekly_active", "monthly_active", "unique_group", "hogql"})


def of_trends(query: TrendsQuery) -> list[str]:
    display = query.trends.display or ""
    found = list(_of_filters(query.properties, query.series))
    for index, node in _counted(query.series):
        found += _of_math(index, node, is_box=display == "BoxPlot")
    if query.aggregation_group_type_index is not None:
        found.append("aggregation_group_type_index has no effect on trends: a series has its own.")
    if display == "BoxPlot":
        found += _of_box_plot(query)
    elif display in _NO_POINTS:
        found += [
            f"{name} has no effect on {display}."
            for name, sent in (
                ("interval", query.interval),
                ("smoothingIntervals", query.trends.smoothingIntervals),
            )
            if sent
        ]
    breakdown = query.breakdownFilter
    if breakdown is not None and breakdown.breakdown and breakdown.breakdowns:
        found.append("breakdown has no effect beside breakdowns.")
    if breakdown is not None and breakdown.breakdown_type == "cohort" and breakdown.breakdown_limit:
        found.append("breakdown_limit has no effect on a breakdown by cohort.")
    return found


def of_stickiness(query: StickinessQuery) -> list[str]:
    found = list(_of_filters(query.properties, query.series))
    for index, node in _counted(query.series):
        if node.math and node.math not in _OF_ACTORS:
            found.append(f"series[{index}]: math '{node.math[:100]}' counts persons.")
    return found


def of_lifecycle(query: LifecycleQuery) -> list[str]:
    found = list(_of_filters(query.properties, query.series))
    for index, node in _counted(query.series):
        if node.math and node.math != "total":
            text = f"series[{index}]: math '{node.math[:100]}' has no effect on a lifecycle."
            found.append(text)
    return found


def _counted(series: tuple[CountedSeries, ...]) -> Iterator[tuple[int, CountedNode]]:
    for index, node in enumerate(series):
        if not isinstance(node, DataWarehouseNode):
            yield index, node


def _of_filters(properties: Filters, series: tuple[CountedSeries, ...]) -> Iterator[str]:
    yield from empty_filters("properties", properties)
    for index, node in _counted(series):
        yield from empty_filters(f"series[{index}].properties", node.properties)
        if isinstance(node, CountedGroupNode) and any(
            getattr(one, "math", None) for one in node.nodes
        ):
            yield f"series[{index}]: the math of a group's events has no effect."


def _of_math(index: int, node: CountedNode, *, is_box: bool) -> Iterator[str]:
    math = node.math or "total"
    if is_box:
        return
    if math in _OF_PROPERTY and not node.math_property:
        yield f"series[{index}]: {math} without math_property counts events."
    if math not in _OF_PROPERTY and node.math_property:
        yield f"series[{index}]: math_property has no effect on {math[:100]}."
    if math != "hogql" and node.math_hogql:
        yield f"series[{index}]: math_hogql has no effect on {math[:100]}."


def _of_box_plot(query: TrendsQuery) -> Iterator[str]:
    breakdown, compare, shown = query.breakdownFilter, query.compareFilter, query.trends
    if breakdown is not None and (breakdown.breakdown or breakdown.breakdowns):
        yield "A breakdown has no effect on a box plot."
    if compare is not None and compare.compare:
        yield "A comparison has no effect on a box plot."
    if shown.formula or shown.formulas or shown.formulaNodes:
        yield "A formula has no effect on a box plot."
