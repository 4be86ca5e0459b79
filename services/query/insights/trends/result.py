"""Numbers of a trend become its answer: what rows show, their order, formulas (trends.md).

What comes from the engine are `Line`s: the numbers of one series, side and breakdown value before
anything is done with them. `ranked` tells which of them keep a row; the caller computes Other's
line, if there is to be one; `render` makes the rows.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, assert_never

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.times import written
from contracts.api.trends import (
    BoxRow,
    BreakdownValue,
    Number,
    SideLabel,
    TrendAction,
    TrendRow,
    TrendsAnswer,
)
from services.query.events.periods import Span, days, incomplete, labels, moments
from services.query.insights.trends.formulas import Formula, letters, value
from services.query.insights.trends.plan import (
    NULL,
    OTHER,
    ActiveActors,
    Actors,
    AnyMath,
    ByCohort,
    ByProperty,
    EventNumber,
    FirstTime,
    OfProperty,
    OneValue,
    PersonNumber,
    Points,
    Series,
    Sessions,
    TimeNumber,
    Total,
    TrendsPlan,
)

RowValue = tuple[str, ...] | int | None
"""One text per key; the id of a cohort, 0 for everybody; None without a breakdown."""

_LARGEST_EXACT = 2**53


class Line(msgspec.Struct, frozen=True):
    """The numbers of one row as they were counted.

    numbers: one per period of the span, those without a point included; of one value the only one.
        In a cumulative display of `Actors`, those who are new in the period. Of a sample: unscaled.
    """

    value: RowValue
    numbers: tuple[float, ...]


class Shown(msgspec.Struct, frozen=True):
    """The numbers of one row as they are shown; of one value the only one.

    late: events of each point that arrived late; None where that was not asked for.
    """

    value: RowValue
    numbers: tuple[float, ...]
    late: tuple[int, ...] | None = None


class Ranked(msgspec.Struct, frozen=True):
    """kept: rows with a value of their own, in order. rest: values that Other stands for."""

    kept: tuple[Shown, ...]
    rest: tuple[RowValue, ...] = ()

    @property
    def kept_values(self) -> tuple[RowValue, ...]:
        return tuple(line.value for line in self.kept)


class Side(msgspec.Struct, frozen=True):
    """One side's rows of every series, by place, in order, Other included."""

    label: SideLabel
    span: Span
    series: Mapping[int, Sequence[Shown]]


def is_additive(math: AnyMath) -> bool:
    """Whether the numbers of Other are the sums of those that it stands for."""
    match math:
        case Total() | FirstTime():
            return True
        case OfProperty(statistic="sum", number=EventNumber() | PersonNumber() | TimeNumber()):
            return True
        case _:
            return False


def shown(plan: TrendsPlan, series: Series, span: Span, line: Line) -> Shown:
    """Scaled, multiplied, summed up and smoothed, in this order."""
    numbers: Iterable[float] = line.numbers
    if not isinstance(plan.shape, OneValue):
        numbers = (line.numbers[index] for index in span.shown)
    numbers = (_scaled(plan, series, number) for number in numbers)
    if isinstance(plan.shape, Points):
        if plan.shape.cumulative:
            numbers = accumulate(numbers)
        if plan.shape.smoothing > 1:
            numbers = _smoothed(tuple(numbers), plan.shape.smoothing)
    return Shown(line.value, tuple(numbers))


def _scaled(plan: TrendsPlan, series: Series, number: float) -> float:
    """A share of the actors stands for all; averages and the like are what they are."""
    if plan.sample is not None:
        match series.math:
            case Total() | FirstTime() | Actors() | ActiveActors() | Sessions():
                number = round(number / plan.sample)
            case OfProperty(statistic="sum"):
                number = number / plan.sample
            case _:
                pass
    if series.multiplier is not None:
        number *= series.multiplier
    return number if math.isfinite(number) else 0


def _smoothed(numbers: Sequence[float], over: int) -> Iterable[float]:
    """Each with those before it, up to so many in all: the floor of their mean (oddity)."""
    for end in range(1, len(numbers) + 1):
        some = numbers[max(0, end - over) : end]
        yield math.floor(math.fsum(some) / len(some))


# Order and limit


def ranked(plan: TrendsPlan, series: Series, span: Span, lines: Iterable[Line]) -> Ranked:
    """lines: of every value that an event which counts has."""
    found = sorted((shown(plan, series, span, line) for line in lines), key=_place)
    match plan.breakdown:
        case None:
            return Ranked(tuple(found))
        case ByCohort():
            return Ranked(tuple(line for line in found if any(line.numbers)))
        case ByProperty(limit=limit):
            return Ranked(tuple(found[:limit]), tuple(line.value for line in found[limit:]))
        case _:
            assert_never(plan.breakdown)


def has_other(plan: TrendsPlan, found: Ranked) -> bool:
    """Whether a row for what is left is shown."""
    by_property = isinstance(plan.breakdown, ByProperty) and not plan.breakdown.hide_other
    return by_property and bool(found.rest)


def other_value(plan: TrendsPlan) -> RowValue:
    """What the line of Other has for a value."""
    assert isinstance(plan.breakdown, ByProperty)
    return (OTHER,) * len(plan.breakdown.keys)


def _place(line: Shown) -> tuple[bool, float, tuple[str, ...]]:
    """By size, the largest first, then by value; rows that hold a null after all others."""
    texts = _texts(line.value)
    return NULL in texts, -math.fsum(line.numbers), texts


def _texts(value: RowValue) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case int():
            return (str(value) if value else "all",)
        case _:
            return value


# Rows


def render(plan: TrendsPlan, sides: Sequence[Side], *, late: bool = False) -> TrendsAnswer:
    """sides: the current one, and the previous one of a comparison. late: as lines tell it."""
    axes = [(side, _axis(plan, side)) for side in sides]
    if plan.formulas:
        rows = [
            row
            for place, formula in enumerate(plan.formulas)
            for side, axis in axes
            for row in _formula_rows(plan, place, formula, side, axis, late=late)
        ]
    else:
        rows = [
            _series_row(plan, series, axis, line)
            for side, axis in axes
            for series in plan.series
            for line in side.series.get(series.place, ())
        ]
    more = any(
        OTHER in _texts(line.value)
        for side in sides
        for found in side.series.values()
        for line in found[-1:]
    )
    return TrendsAnswer(results=rows, has_more=more)


class _Axis(msgspec.Struct, frozen=True):
    """What all rows of one side share: how its points are called. Made once: there may be many."""

    label: SideLabel
    days: list[str]
    labels: list[str]
    moments: list[str]
    filter: dict[str, Any]


def _axis(plan: TrendsPlan, side: Side) -> _Axis:
    one_value = isinstance(plan.shape, OneValue)
    return _Axis(
        label=side.label,
        days=[] if one_value else days(side.span),
        labels=[] if one_value else labels(side.span),
        moments=moments(side.span),
        filter={
            "insight": "TRENDS",
            "display": plan.display,
            "interval": side.span.interval,
            "date_from": written(side.span.date_from),
            "date_to": written(side.span.date_to),
        },
    )


def with_incomplete(plan: TrendsPlan, rows: Iterable[TrendRow]) -> list[TrendRow]:
    """The rows of a `Points` answer, each with its points that are not what they will be."""
    spans = {"current": plan.span, "previous": plan.previous or plan.span}
    found = {label: incomplete(span, plan.now) for label, span in spans.items()}
    return [
        msgspec.structs.replace(row, incomplete=found[row.compare_label or "current"])
        for row in rows
    ]


def _series_row(plan: TrendsPlan, series: Series, axis: _Axis, line: Shown) -> TrendRow:
    entity, sent = series.entity, series.sent
    action = TrendAction(
        id=entity.id,
        order=series.place,
        name=entity.name,
        custom_name=entity.custom_name,
        math=sent.math,
        math_property=sent.math_property,
        math_hogql=sent.math_hogql,
        math_group_type_index=sent.math_group_type_index,
        days=axis.moments,
    )
    row = _row(plan, axis, line, _label(plan, series, line.value), series.place)
    return msgspec.structs.replace(row, action=action)


def _row(plan: TrendsPlan, axis: _Axis, line: Shown, label: str, order: int) -> TrendRow:
    """What a series and a formula have in common; a formula has no action."""
    one_value = isinstance(plan.shape, OneValue)
    numbers = [plain(number) for number in line.numbers]
    return TrendRow(
        action=None,
        label=label,
        order=order,
        count=0 if one_value else _count(plan, numbers),
        data=[] if one_value else numbers,
        days=axis.days,
        labels=axis.labels,
        aggregated_value=numbers[0] if one_value else UNSET,
        breakdown_value=_breakdown_value(plan, line.value),
        compare=UNSET if plan.previous is None else True,
        compare_label=UNSET if plan.previous is None else axis.label,
        late=UNSET if line.late is None else list(line.late),
        filter=axis.filter,
    )


def _count(plan: TrendsPlan, numbers: Sequence[Number]) -> Number:
    """The sum of the data; of running sums the last one."""
    if isinstance(plan.shape, Points) and plan.shape.cumulative:
        return numbers[-1] if numbers else 0
    return plain(math.fsum(numbers))


def _label(plan: TrendsPlan, series: Series, value: RowValue) -> str:
    """The value; of one series among several after its name. A custom name is in none (oddity)."""
    if value is None:
        return series.entity.name
    text = "::".join(_texts(value))
    if isinstance(plan.breakdown, ByCohort):
        text = dict(plan.breakdown.cohorts).get(value, text) if isinstance(value, int) else text
    return f"{series.entity.name} - {text}" if plan.named_series > 1 else text


def _breakdown_value(plan: TrendsPlan, value: RowValue) -> BreakdownValue | UnsetType:
    match value:
        case None:
            return UNSET
        case int():
            return value or "all"
        case _:
            listed = isinstance(plan.breakdown, ByProperty) and plan.breakdown.listed
            return list(value) if listed else value[0]


def plain(number: float) -> Number:
    """Whole numbers without a point."""
    whole = isinstance(number, float) and number.is_integer() and abs(number) < _LARGEST_EXACT
    return int(number) if whole else number


# Formulas


def _formula_rows(
    plan: TrendsPlan, place: int, formula: Formula, side: Side, axis: _Axis, *, late: bool
) -> Iterable[TrendRow]:
    """A row for each value that any of the formula's series has; one that lacks it counts zeros."""
    of_series = {
        at: {line.value: line for line in side.series.get(at, ())}
        for at in sorted(letters(formula.tree))
    }
    points = 1 if isinstance(plan.shape, OneValue) else side.span.points
    nothing = (0.0,) * points
    values: Iterable[RowValue] = (None,)
    if plan.breakdown is not None:
        values = dict.fromkeys(value for lines in of_series.values() for value in lines)
    found = []
    for row_value in values:
        numbers = [nothing] * plan.named_series
        behind = []
        for at, lines in of_series.items():
            if row_value in lines:
                numbers[at] = lines[row_value].numbers
                behind.append(lines[row_value])
        by_point = zip(*numbers, strict=True)
        shown_numbers = tuple(value(formula.tree, point) for point in by_point)
        came_late = _late_behind(behind, points) if late else None
        found.append(Shown(row_value, shown_numbers, came_late))
    found.sort(key=lambda line: (OTHER in _texts(line.value), _place(line)))
    return [_formula_row(plan, place, formula, axis, line) for line in found]


def _late_behind(lines: Iterable[Shown], points: int) -> tuple[int, ...]:
    """The late events of each of the formula's series, added up."""
    counts = [line.late for line in lines if line.late is not None]
    return tuple(sum(of_point) for of_point in zip((0,) * points, *counts, strict=True))


def _formula_row(
    plan: TrendsPlan, place: int, formula: Formula, axis: _Axis, line: Shown
) -> TrendRow:
    """Its count is a sum, of running sums too; one value has no data at all (oddity)."""
    row = _row(plan, axis, line, formula.label, place)
    if isinstance(plan.shape, OneValue):
        return msgspec.structs.replace(row, data=None)
    return msgspec.structs.replace(row, count=plain(math.fsum(line.numbers)))


# Box plots


class Box(msgspec.Struct, frozen=True):
    """The spread of the numbers of one period, in this order."""

    min: float = 0
    p25: float = 0
    median: float = 0
    p75: float = 0
    max: float = 0
    mean: float = 0


def render_boxes(plan: TrendsPlan, boxes: Mapping[int, Sequence[Box]]) -> TrendsAnswer:
    """boxes: of each series, by place, one per period of the span."""
    rows = [
        _box_row(series, day, label, boxes[series.place][index])
        for series in plan.series
        for index, day, label in zip(
            plan.span.shown, days(plan.span), labels(plan.span), strict=True
        )
    ]
    return TrendsAnswer(results=rows)


def _box_row(series: Series, day: str, label: str, box: Box) -> BoxRow:
    times = 1 if series.multiplier is None else series.multiplier
    name = series.entity.custom_name or series.entity.name
    return BoxRow(
        day=day,
        label=label,
        min=plain(box.min * times),
        p25=plain(box.p25 * times),
        median=plain(box.median * times),
        p75=plain(box.p75 * times),
        max=plain(box.max * times),
        mean=plain(box.mean * times),
        series_index=series.place,
        series_label=f"{name} - {series.sent.math_property}",
    )
