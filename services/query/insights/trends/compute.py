"""A trend's answer, by as many statements as it takes."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from contracts.api.trends import SideLabel, TrendsAnswer
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.engine import Row
from services.common.clickhouse.relation import Relation, statement
from services.common.clickhouse.statement import Bindings
from services.query.events.periods import Span
from services.query.insights.trends.bins import bounds
from services.query.insights.trends.both_ranges import BothRanges, both_ranges
from services.query.insights.trends.plan import (
    ActiveActors,
    Boxes,
    ByProperty,
    OneValue,
    Points,
    Series,
    TrendsPlan,
)
from services.query.insights.trends.pointing import AnyChoice, OfOther
from services.query.insights.trends.result import (
    Box,
    Line,
    Ranked,
    RowValue,
    Shown,
    Side,
    has_other,
    is_additive,
    other_value,
    ranked,
    render,
    render_boxes,
    shown,
)
from services.query.insights.trends.statement import keys
from services.query.insights.trends.statement.alike import passes, side_by_side
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.keys import Rows
from services.query.insights.trends.statement.late import late_events
from services.query.insights.trends.statement.numbers import bounds_of_bins, numbers
from services.query.insights.trends.statement.ranking import most_values
from services.query.insights.trends.statement.windowed import days_of, is_windowed, of_windows

Numbers = Mapping[RowValue, tuple[float, ...]]
"""Of each value that an event which counts has, one per period."""


async def compute(
    clickhouse: ClickHouse,
    plan: TrendsPlan,
    *,
    has_overrides: bool,
    query_id: str | None = None,
    late: bool = False,
) -> TrendsAnswer:
    """The answer to a plan. Raises EngineError's kinds.

    query_id: of every statement, one after the other. late: whether points tell their late events.
    """
    asking = _Asking(clickhouse, plan, has_overrides, query_id, late=late)
    if isinstance(plan.shape, Boxes):
        boxes = {series.place: await asking.boxes(series) for series in plan.series}
        return await asyncio.to_thread(render_boxes, plan, boxes)
    return await asyncio.to_thread(render, plan, await asking.sides(), late=asking.late)


async def row_of(
    clickhouse: ClickHouse, asked: Asked, row: AnyChoice | None, *, query_id: str | None = None
) -> Asked:
    """The events of one row: its values told as rows have them, and of Other those of all rows
    that are shown left out. None: of everything, once.
    """
    if row is None:
        plan = msgspec.structs.replace(asked.plan, breakdown=None)
        return msgspec.structs.replace(asked, plan=plan)
    asking = _Asking(clickhouse, asked.plan, asked.has_overrides, query_id)
    asked = await asking.with_bounds(asked)
    if isinstance(row, OfOther):
        return _without(asked, await asking.ranked(asked))
    return asked


class _Asking:
    def __init__(
        self,
        clickhouse: ClickHouse,
        plan: TrendsPlan,
        has_overrides: bool,
        query_id: str | None,
        *,
        late: bool = False,
    ) -> None:
        self.clickhouse = clickhouse
        self.plan = plan
        self.has_overrides = has_overrides
        self.query_id = query_id
        self.late = late and isinstance(plan.shape, Points)

    async def sides(self) -> list[Side]:
        """The current one; of a comparison the previous one too."""
        spans: dict[SideLabel, Span] = {"current": self.plan.span}
        if self.plan.previous is not None:
            spans["previous"] = self.plan.previous
        lines: dict[SideLabel, dict[int, Sequence[Shown]]] = {label: {} for label in spans}
        for together in passes(self.plan):
            found = await self._counted_together(together, spans)
            for series in together:
                for label, span in spans.items():
                    known = found.get((label, series.place))
                    of_side = await self._lines(self._asked(series, span), known)
                    lines[label][series.place] = of_side
        return [Side(label, span, lines[label]) for label, span in spans.items()]

    def _asked(self, series: Series, span: Span) -> Asked:
        return Asked(plan=self.plan, series=series, span=span, has_overrides=self.has_overrides)

    async def _counted_together(
        self, series: Sequence[Series], spans: Mapping[SideLabel, Span]
    ) -> Mapping[tuple[SideLabel, int], Numbers]:
        """By side and place, the numbers of which one pass tells several: of both sides of a
        comparison, of series of the same event. The others are missing.
        """
        both = both_ranges(self.plan, series[0])
        found: dict[tuple[SideLabel, int], Numbers] = {}
        if both is not None:
            for one, rows in await self._rows_of(series, both.span, both.since):
                asked = self._asked(one, both.span)
                of_sides = await asyncio.to_thread(_of_sides, asked, both, rows)
                found |= {(label, one.place): of for label, of in of_sides.items()}
        elif len(series) > 1:
            for label, span in spans.items():
                for one, rows in await self._rows_of(series, span) if span.periods else ():
                    found[label, one.place] = _by_value(self._asked(one, span), rows)
        return found

    async def _rows_of(
        self, series: Sequence[Series], span: Span, since: datetime | None = None
    ) -> list[tuple[Series, list[Row]]]:
        """Of each of the series, by one statement."""
        bindings = Bindings()
        asked = msgspec.structs.replace(self._asked(series[0], span), since=since)
        if len(series) == 1:
            return [(series[0], await self._run(numbers(asked, bindings), bindings))]
        rows = await self._run(side_by_side(asked, series, bindings), bindings)
        return [
            (one, [(index, of_all[place]) for index, *of_all in rows])
            for place, one in enumerate(series)
        ]

    async def _lines(self, asked: Asked, found: Numbers | None) -> Sequence[Shown]:
        """Of one series and side, in order, Other included. found: its numbers, if known."""
        asked = await self.with_bounds(asked)
        found = await self._counted(asked) if found is None else found
        in_order = await self._in_order(asked, found)
        rows = await self._rows(asked, found, in_order)
        return await self._with_late(asked, rows) if self.late else rows

    async def _rows(self, asked: Asked, found: Numbers, in_order: Ranked) -> Sequence[Shown]:
        series, span = asked.series, asked.span
        if not has_other(self.plan, in_order):
            return in_order.kept
        most = most_values(asked)
        has_all = most is None or len(found) < most
        if is_additive(series.math) and has_all:
            rest = [found[value] for value in in_order.rest]
            other = tuple(float(sum(of)) for of in zip(*rest, strict=True))
        else:
            (other,) = (await self._counted(_without(asked, in_order))).values()
        line = Line(other_value(self.plan), other)
        return [*in_order.kept, shown(self.plan, series, span, line)]

    async def _with_late(self, asked: Asked, rows: Sequence[Shown]) -> Sequence[Shown]:
        """Each with the late events of its points; Other is the last row, if there is one."""
        other = other_value(self.plan) if isinstance(self.plan.breakdown, ByProperty) else None
        kept = [row.value for row in rows if other is None or row.value != other]
        numbers: dict[tuple[int, int], int] = {}
        if asked.span.periods:
            bindings = Bindings()
            for place, index, number in await self._run(
                late_events(asked, kept, bindings), bindings
            ):
                numbers[place, index] = number
        places = [*range(1, len(kept) + 1), 0]
        return [
            msgspec.structs.replace(
                row, late=tuple(numbers.get((place, index), 0) for index in asked.span.shown)
            )
            for place, row in zip(places, rows, strict=False)
        ]

    async def ranked(self, asked: Asked) -> Ranked:
        """The rows of one series and side in order, and the values of Other."""
        return await self._in_order(asked, await self._counted(asked))

    async def _in_order(self, asked: Asked, found: Numbers) -> Ranked:
        if self.plan.breakdown is None:
            found = {None: found.get(None, _nothing(asked))}
        lines = [Line(value, of) for value, of in found.items()]
        return await asyncio.to_thread(ranked, self.plan, asked.series, asked.span, lines)

    async def with_bounds(self, asked: Asked) -> Asked:
        """With the bins that its numbers fall into."""
        return msgspec.structs.replace(asked, rows=Rows(bounds=await self._bounds(asked)))

    async def _bounds(self, asked: Asked) -> keys.Bounds:
        bins = keys.binned(self.plan.breakdown)
        if not bins or not asked.span.periods:
            return {}
        bindings = Bindings()
        ((*ends,),) = await self._run(bounds_of_bins(asked, list(bins), bindings), bindings)
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return {
            place: [] if low is None else bounds(low, high, parts)
            for (place, parts), (low, high) in zip(bins.items(), pairs, strict=True)
        }

    async def _counted(self, asked: Asked) -> Numbers:
        """Of very many values, those that come first (see `ranking`)."""
        if not asked.span.periods:
            return {}
        bindings = Bindings()
        found = await self._run(numbers(asked, bindings), bindings)
        return await asyncio.to_thread(_by_value, asked, found)

    async def boxes(self, series: Series) -> Sequence[Box]:
        """One per period."""
        span = self.plan.span
        found = [Box()] * len(span.periods)
        asked = self._asked(series, span)
        if not span.periods:
            return found
        bindings = Bindings()
        for index, spread, mean in await self._run(numbers(asked, bindings), bindings):
            if mean is not None:
                found[index] = Box(*[*spread, mean])
        return found

    async def _run(self, rows: Relation, bindings: Bindings) -> list[Row]:
        return await self.clickhouse.query(statement(rows, bindings), query_id=self.query_id)


def _without(asked: Asked, in_order: Ranked) -> Asked:
    """The events of Other."""
    kept = [value for value in in_order.kept_values if isinstance(value, tuple)]
    return msgspec.structs.replace(asked, rows=msgspec.structs.replace(asked.rows, without=kept))


def _of_sides(asked: Asked, both: BothRanges, rows: Sequence[Row]) -> Mapping[SideLabel, Numbers]:
    """Of neither side where there are so many values that each has to rank its own."""
    most = most_values(asked)
    if most is not None and len({tuple(columns) for *columns, _, _ in rows}) >= most:
        return {}
    if is_windowed(asked):
        found = _by_value(asked, rows)
        return {
            label: {value: of[part.start : part.stop] for value, of in found.items()}
            for label, part in both.indexes.items()
        }
    spans = {"current": asked.plan.span, "previous": asked.plan.previous or asked.plan.span}
    return {
        label: _by_value(
            msgspec.structs.replace(asked, span=spans[label]), both.rows_of(label, rows)
        )
        for label in both.indexes
    }


def _by_value(asked: Asked, rows: Sequence[Row]) -> Numbers:
    by: dict[tuple[str | int, ...], list[tuple[int, float]]] = defaultdict(list)
    for *columns, index, number in rows:
        by[tuple(columns)].append((index, number))
    breakdown = asked.plan.breakdown if asked.keys else None
    math = asked.series.math
    found: dict[RowValue, tuple[float, ...]] = {}
    for told, points in by.items():
        value = keys.value(breakdown, told)
        if isinstance(math, ActiveActors) and is_windowed(asked):
            changes = [(index, int(change)) for index, change in points]
            found[value] = of_windows(days_of(asked.span, math.days), changes)
        else:
            found[value] = _filled(asked, points)
    return found


def _filled(asked: Asked, points: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    numbers = list(_nothing(asked))
    for index, number in points:
        numbers[index] = number
    return tuple(numbers)


def _nothing(asked: Asked) -> tuple[float, ...]:
    one_value = isinstance(asked.plan.shape, OneValue)
    return (0,) * (1 if one_value else len(asked.span.periods))
