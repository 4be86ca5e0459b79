"""The difference between two rows of one stream, whatever kind they are of."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from contracts.differences.actions import action_difference
from contracts.differences.cohorts import cohort_difference
from contracts.differences.dashboards import dashboard_difference
from contracts.differences.difference import NO_NAMES, Difference, Names
from contracts.differences.insights import insight_difference
from contracts.differences.projects import project_difference
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.project import ProjectRow

Row = TypeVar("Row", InsightRow, DashboardRow, ActionRow, CohortRow, ProjectRow)


_OF: Mapping[type, Callable[..., Difference]] = {
    InsightRow: insight_difference,
    DashboardRow: dashboard_difference,
    ActionRow: action_difference,
    CohortRow: cohort_difference,
    ProjectRow: project_difference,
}


def difference(before: Row | None, after: Row, names: Names = NO_NAMES) -> Difference:
    """before: None for the version that created it. Both are of one stream, in either order."""
    return _OF[type(after)](before, after, names)
