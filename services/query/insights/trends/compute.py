"""A trend's answer, by as many statements as it takes."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from contracts.api.trends import SideLabel, TrendsAnswer
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.engine import Row
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.periods import Span
from services.query.insights.trends.bins import bounds
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
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.keys import Rows
from services.query.insights.trends.statement.late import late_events
from services.query.insights.trends.statement.numbers import bounds_of_bins, numbers
from services.query.insights.trends.statement.ranking import most_values
from services.query.insights.trends.statement.windowed import days_of, of_windows


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
    sides = [await asking.side("current", plan.span)]
    if plan.previous is not None:
        sides.append(await asking.side("previous", plan.previous))
    return await asyncio.to_thread(render, plan, sides)


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

    async def side(self, label: SideLabel, span: Span) -> Side:
        return Side(
            label, span, {one.place: await self._lines(one, span) for one in self.plan.series}
        )

    async def _lines(self, series: Series, span: Span) -> Sequence[Shown]:
        """Of one series and side, in order, Other included."""
        asked = await self.with_bounds(
            Asked(plan=self.plan, series=series, span=span, has_overrides=self.has_overrides)
        )
        found = await self._counted(asked)
        in_order = await self._in_order(asked, found)
        rows = await self._rows(asked, found, in_order)
        return await self._with_late(asked, rows) if self.late else rows

    async def _rows(
        self, asked: Asked, found: Mapping[RowValue, tuple[float, ...]], in_order: Ranked
    ) -> Sequence[Shown]:
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

    async def _in_order(self, asked: Asked, found: Mapping[RowValue, tuple[float, ...]]) -> Ranked:
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
        text = bounds_of_bins(asked, list(bins), bindings)
        ((*ends,),) = await self._run(text, bindings)
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return {
            place: [] if low is None else bounds(low, high, parts)
            for (place, parts), (low, high) in zip(bins.items(), pairs, strict=True)
        }

    async def _counted(self, asked: Asked) -> Mapping[RowValue, tuple[float, ...]]:
        """The numbers of each value that an event which counts has, one per period.

        Of very many values, those that come first (see `ranking`).
        """
        if not asked.span.periods:
            return {}
        bindings = Bindings()
        found = await self._run(numbers(asked, bindings), bindings)
        return await asyncio.to_thread(_by_value, asked, found)

    async def boxes(self, series: Series) -> Sequence[Box]:
        """One per period."""
        span = self.plan.span
        found = [Box()] * len(span.periods)
        asked = Asked(plan=self.plan, series=series, span=span, has_overrides=self.has_overrides)
        if not span.periods:
            return found
        bindings = Bindings()
        for index, spread, mean in await self._run(numbers(asked, bindings), bindings):
            if mean is not None:
                found[index] = Box(*[*spread, mean])
        return found

    async def _run(self, text: str, bindings: Bindings) -> list[Row]:
        return await self.clickhouse.query(Statement(text, bindings.values), query_id=self.query_id)


def _without(asked: Asked, in_order: Ranked) -> Asked:
    """The events of Other."""
    kept = [value for value in in_order.kept_values if isinstance(value, tuple)]
    return msgspec.structs.replace(asked, rows=msgspec.structs.replace(asked.rows, without=kept))


def _by_value(asked: Asked, rows: Sequence[Row]) -> Mapping[RowValue, tuple[float, ...]]:
    by: dict[tuple[str | int, ...], list[tuple[int, float]]] = defaultdict(list)
    for *columns, index, number in rows:
        by[tuple(columns)].append((index, number))
    breakdown = asked.plan.breakdown if asked.keys else None
    math = asked.series.math
    windowed = isinstance(math, ActiveActors) and not isinstance(asked.plan.shape, OneValue)
    found: dict[RowValue, tuple[float, ...]] = {}
    for told, points in by.items():
        value = keys.value(breakdown, told)
        if isinstance(math, ActiveActors) and windowed:
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
