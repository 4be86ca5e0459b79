"""The options of trends, stickiness and lifecycle."""

from collections.abc import Mapping
from typing import Any

from contracts.differences.rules import At, Document, Rule, chosen, nested, numbered, worded
from contracts.differences.words import all_of, code, count, texts

Json = Any

_DISPLAYS: Mapping[str | None, str] = {
    None: "a line", "ActionsLineGraph": "a line", "ActionsBar": "stacked bars",
    "ActionsStackedBar": "stacked bars", "ActionsUnstackedBar": "bars side by side",
    "ActionsAreaGraph": "an area", "ActionsLineGraphCumulative": "a cumulative line",
    "SlopeGraph": "a slope", "BoxPlot": "a box plot", "BoldNumber": "a number",
    "ActionsPie": "a pie", "ActionsBarValue": "bars of totals", "ActionsTable": "a table",
    "WorldMap": "a world map", "Progress": "progress", "CalendarHeatmap": "a calendar",
}  # fmt: skip
_STICKY: Mapping[str | None, str] = {
    None: "exactly so many intervals", "non_cumulative": "exactly so many intervals",
    "cumulative": "so many intervals or more",
}  # fmt: skip
_CRITERIA = {"gte": "at least", "lte": "at most", "exact": "exactly"}


def _formulas(before: Document, after: Document, _: At) -> list[str]:
    old, new = _formula_text(before), _formula_text(after)
    if old == new:
        return []
    if not new:
        return [f"No longer computed by {old}."]
    return [f"Computed by {new} instead of {old}." if old else f"Computed by {new}."]


def _formula_text(trends: Document) -> str:
    """The first of these members that is not empty counts."""
    nodes, several = trends.get("formulaNodes"), trends.get("formulas")
    if isinstance(nodes, list) and nodes:
        found = texts(each.get("formula") for each in nodes if isinstance(each, Mapping))
        return all_of([code(each) for each in found])
    if isinstance(several, list) and several:
        return all_of([code(each) for each in texts(several)])
    one = trends.get("formula")
    return code(one) if isinstance(one, str) and one else ""


def _criteria(stickiness: Document) -> str | None:
    sent = stickiness.get("stickinessCriteria")
    if sent is None:
        return "at least 1 event"
    if not isinstance(sent, Mapping) or sent.get("operator") not in tuple(_CRITERIA):
        return None
    return f"{_CRITERIA[sent['operator']]} {count(sent.get('value'), 'event')}"


DISPLAY = chosen("display", _DISPLAYS, "Shown as {after} instead of {before}.")

TRENDS = nested(
    "trendsFilter",
    (
        Rule(("formulaNodes", "formulas", "formula"), _formulas),
        DISPLAY,
        numbered("smoothingIntervals", "1", "Smoothed over {after} intervals instead of {before}."),
    ),
)
STICKINESS = nested(
    "stickinessFilter",
    (
        chosen("computedAs", _STICKY, "Counts actors of {after} (before: {before})."),
        worded(
            ("stickinessCriteria",),
            _criteria,
            "Active means {after} in an interval instead of {before}.",
        ),
        DISPLAY,
    ),
)
INTERVAL_COUNT = numbered(
    "intervalCount", "1", "An interval is {after} periods long instead of {before}."
)
