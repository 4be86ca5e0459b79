"""A comparison's two ranges counted in one pass, where one can tell them apart.

What is counted over both is then cut in two: each range finds its own rows, order and Other.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from contracts.api.trends import SideLabel
from contracts.times import MICROSECOND
from services.common.clickhouse.engine import Row
from services.query.events import folds
from services.query.events.periods import Span
from services.query.events.together import together
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    AnyShape,
    OneValue,
    Points,
    Series,
    Sessions,
    TrendsPlan,
)
from services.query.insights.trends.statement import keys


class BothRanges(msgspec.Struct, frozen=True):
    """span: of both. since: of one value, where the current range begins: its index is 1.

    indexes: of each range's periods in it.
    """

    span: Span
    since: datetime | None
    indexes: dict[SideLabel, range]

    def rows_of(self, label: SideLabel, rows: Sequence[Row]) -> list[Row]:
        """Those of one range, with the indexes of its own periods.

        rows: the index is the last but one of their columns.
        """
        wanted = self.indexes[label]
        return [
            (*columns, index - wanted.start, number)
            for *columns, index, number in rows
            if index in wanted
        ]


def both_ranges(plan: TrendsPlan, series: Series) -> BothRanges | None:
    """None where there is nothing to compare with, or each range needs a pass of its own."""
    if plan.previous is None or not _is_told_by_index(plan, series):
        return None
    if isinstance(plan.shape, OneValue):
        return _values(plan.previous, plan.span)
    both = together(plan.previous, plan.span)
    if both is None or (_is_folded(plan, series) and len(both.span.periods) > folds.BITS):
        return None
    indexes: dict[SideLabel, range] = {
        "current": range(both.later, len(both.span.periods)),
        "previous": range(len(plan.previous.periods)),
    }
    return BothRanges(both.span, None, indexes)


def _is_told_by_index(plan: TrendsPlan, series: Series) -> bool:
    """Whether a range's numbers are those at the indexes of its periods, whatever else is read."""
    if keys.binned(plan.breakdown):
        # The bins of a range are made of its own numbers.
        return False
    match series.math:
        case Actors():
            # In running sums an actor counts at its first period in the range.
            return not _is_running(plan.shape)
        case ActiveActors():
            # Windows reach back, and so does a value that has a row.
            return plan.breakdown is None and isinstance(plan.shape, Points)
        case _:
            return True


def _is_running(shape: AnyShape) -> bool:
    return isinstance(shape, Points) and shape.cumulative


def _is_folded(plan: TrendsPlan, series: Series) -> bool:
    return plan.breakdown is None and isinstance(series.math, Actors | ActiveActors | Sessions)


def _values(previous: Span, current: Span) -> BothRanges | None:
    if not previous.periods or previous.date_to + MICROSECOND != current.date_from:
        return None
    span = msgspec.structs.replace(current, date_from=previous.date_from)
    return BothRanges(span, current.date_from, {"current": range(1, 2), "previous": range(1)})
