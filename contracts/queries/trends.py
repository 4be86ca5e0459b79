"""TrendsQuery as it travels: how often something happens, period by period.

Nothing is defaulted and nothing validated beyond types. Members that are looks alone are not read:
they change no number.
"""

from typing import Literal

from contracts.queries.counted import CountedSeries, PeriodRange
from contracts.queries.nodes import (
    BreakdownFilter,
    BreakdownItem,
    CompareFilter,
    Filters,
    IntervalType,
    Node,
)

PointsDisplay = Literal[
    "ActionsLineGraph", "ActionsBar", "ActionsUnstackedBar", "ActionsStackedBar",
    "ActionsAreaGraph", "ActionsLineGraphCumulative", "SlopeGraph", "BoxPlot",
]  # fmt: skip
"""How a number per period is shown."""

ValueDisplay = Literal[
    "BoldNumber", "ActionsPie", "ActionsBarValue", "ActionsTable", "WorldMap", "Progress",
    "CalendarHeatmap",
]  # fmt: skip
"""How one number over the whole range is shown."""

Display = PointsDisplay | ValueDisplay


class TrendsBreakdownItem(BreakdownItem, frozen=True, kw_only=True):
    """One of several breakdowns. histogram_bin_count: its numbers fall into so many bins."""

    histogram_bin_count: int | None = None


class TrendsBreakdownFilter(BreakdownFilter, frozen=True, kw_only=True):
    """breakdowns: win over `breakdown` if there are any."""

    breakdowns: tuple[TrendsBreakdownItem, ...] | None = None
    breakdown_histogram_bin_count: int | None = None


class FormulaNode(Node, frozen=True, kw_only=True):
    """A formula and what its row is called."""

    formula: str = ""
    custom_name: str | None = None


class TrendsFilter(Node, frozen=True, kw_only=True):
    """formulaNodes, formulas, formula: the first of these that is not empty counts."""

    display: Display | None = None
    formulaNodes: tuple[FormulaNode, ...] | None = None
    formulas: tuple[str, ...] | None = None
    formula: str | None = None
    smoothingIntervals: int | None = None


class TrendsQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="TrendsQuery"):
    """aggregation_group_type_index: without effect, the series' own index counts (oddity)."""

    series: tuple[CountedSeries, ...] = ()
    interval: IntervalType | None = None
    dateRange: PeriodRange | None = None
    properties: Filters = None
    filterTestAccounts: bool | None = None
    samplingFactor: float | None = None
    aggregation_group_type_index: int | None = None
    breakdownFilter: TrendsBreakdownFilter | None = None
    compareFilter: CompareFilter | None = None
    trendsFilter: TrendsFilter | None = None

    @property
    def trends(self) -> TrendsFilter:
        return self.trendsFilter or TrendsFilter()
