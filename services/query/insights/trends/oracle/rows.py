"""The whole answer: trends.md sections 5 and 7 to 10."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from services.query.events.oracle.points import days, labels, moments
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.periods import Span
from services.query.insights.trends.formulas import (
    AnyPart,
    Constant,
    Formula,
    Letter,
    Negative,
    Operation,
)
from services.query.insights.trends.oracle.counted import behind_points, counting, late_events
from services.query.insights.trends.oracle.numbers import box, value
from services.query.insights.trends.oracle.values import Value, by_value
from services.query.insights.trends.plan import (
    NULL,
    OTHER,
    Boxes,
    ByCohort,
    ByProperty,
    OneValue,
    Points,
    Series,
    TrendsPlan,
)

Row = dict[str, Any]
"""As the answer shows it, without `filter` and urls."""

Numbers = list[float]


class Line(msgspec.Struct, frozen=True):
    """A row of one series and side before it is shown.

    value: None without a breakdown. other: the row of all remaining values. events: that count.
    numbers: as shown, one per point; of one value the only one. late: events of each point that
    arrived late.
    """

    value: Value | None
    numbers: Numbers
    events: list[Event]
    other: bool = False
    late: Sequence[int] = ()


class Answer(msgspec.Struct, frozen=True):
    results: list[Row]
    has_more: bool


def answer(plan: TrendsPlan, reading: Reading, *, late: bool = False) -> Answer:
    """ "all series of the current side in order, then all of the previous"

    late: whether rows of points tell their late events.
    """
    late = late and isinstance(plan.shape, Points)
    if isinstance(plan.shape, Boxes):
        return Answer(_boxes(plan, reading), has_more=False)
    sides = [
        (name, span, {one.place: lines(plan, one, span, reading) for one in plan.series})
        for name, span in (("current", plan.span), ("previous", plan.previous))
        if span is not None
    ]
    rows: list[Row] = []
    if plan.formulas:
        # "per formula: current, then previous"
        for place, formula in enumerate(plan.formulas):
            for name, span, found in sides:
                rows += _formula_rows(plan, place, formula, name, span, found, late=late)
    else:
        for name, span, found in sides:
            for one in plan.series:
                for line in found[one.place]:
                    told = {"late": list(line.late)} if late else {}
                    rows.append(_row(plan, one, name, span, line) | told)
    has_other = any(line.other for _, _, found in sides for of in found.values() for line in of)
    return Answer(rows, has_other)


# Lines: values, their order, Other


def lines(plan: TrendsPlan, series: Series, span: Span, reading: Reading) -> list[Line]:
    """The rows of one series and side, in order."""
    events = counting(plan, series, span, reading)

    def line(value: Value | None, of_value: Sequence[Event], *, other: bool = False) -> Line:
        shown = shown_numbers(plan, series, span, of_value, reading)
        points = isinstance(plan.shape, Points)
        came_late = late_events(plan, series, span, of_value, reading) if points else []
        return Line(value, shown, list(of_value), other, came_late)

    match plan.breakdown:
        case None:
            return [line(None, events)]
        case ByCohort():
            found = [line(v, e) for v, e in by_value(plan.breakdown, events, reading).items()]
            # "by size descending, zero rows absent, no limit"
            return sorted((one for one in found if any(one.numbers)), key=_place)
        case ByProperty(limit=limit):
            found = [line(v, e) for v, e in by_value(plan.breakdown, events, reading).items()]
            ranked = sorted(found, key=_place)
            kept, rest = ranked[:limit], ranked[limit:]
            if rest and not plan.breakdown.hide_other:
                # "Other is computed over its events"
                remaining = {event.uuid for one in rest for event in one.events}
                of_rest = [event for event in events if event.uuid in remaining]
                named = (OTHER,) * len(plan.breakdown.keys)
                kept.append(line(named, of_rest, other=True))
            return kept
        case _:
            assert_never(plan.breakdown)


def _place(line: Line) -> tuple[bool, float, Value]:
    """ "by sum of shown data (or aggregated_value) descending, then the value as text ascending (…
    part by part); rows holding null after those without" """
    assert line.value is not None
    return NULL in line.value, -math.fsum(line.numbers), line.value


def shown_numbers(
    plan: TrendsPlan, series: Series, span: Span, events: Sequence[Event], reading: Reading
) -> Numbers:
    """events: of one row. Its data, or its one value; smoothing comes "after cumulation"."""
    points = behind_points(plan, series, span, events, reading)
    found = [value(plan, series, of_point, reading) for of_point in points]
    if not isinstance(plan.shape, Points):
        return found or [0]
    if plan.shape.cumulative:
        found = [math.fsum(found[: place + 1]) for place in range(len(found))]
    if plan.shape.smoothing > 1:
        found = [_smoothed(found, place, plan.shape.smoothing) for place in range(len(found))]
    return found


def _smoothed(data: Numbers, place: int, over: int) -> float:
    """ "floor of the mean of it and up to n−1 points before it in the range" """
    some = data[max(0, place - over + 1) : place + 1]
    return math.floor(math.fsum(some) / len(some))


# Rows


def _row(plan: TrendsPlan, series: Series, side: str, span: Span, line: Line) -> Row:
    sent = series.sent
    action: Row = {
        "id": series.entity.id,
        "type": "events",
        "order": series.place,
        "name": series.entity.name,
        "custom_name": series.entity.custom_name,
        "math": sent.math,
        "math_property": sent.math_property,
        "math_hogql": sent.math_hogql,
        "math_group_type_index": sent.math_group_type_index,
        "properties": {},
        "days": moments(span),
    }
    label = series.entity.name
    if line.value is not None:
        label = _value_label(plan, line.value)
        if plan.named_series > 1:
            label = f"{series.entity.name} - {label}"
    shown = _numbers_shown(plan, span, line.numbers)
    return {
        "action": action,
        "label": label,
        "order": series.place,
        **shown,
        **_told_apart(plan, side, line.value),
    }


def _numbers_shown(plan: TrendsPlan, span: Span, numbers: Numbers) -> Row:
    if isinstance(plan.shape, OneValue):
        return {
            "aggregated_value": numbers[0], "data": [], "days": [], "labels": [], "count": 0,
        }  # fmt: skip
    assert isinstance(plan.shape, Points)
    last = numbers[-1] if numbers else 0
    return {
        "data": numbers,
        "days": days(span),
        "labels": labels(span),
        "count": last if plan.shape.cumulative else math.fsum(numbers),
    }


def _told_apart(plan: TrendsPlan, side: str, value: Value | None) -> Row:
    found: Row = {}
    if value is not None:
        found["breakdown_value"] = _breakdown_value(plan, value)
    if plan.previous is not None:
        found |= {"compare": True, "compare_label": side}
    return found


def _breakdown_value(plan: TrendsPlan, value: Value) -> Any:
    """ "text; array of texts for `breakdowns`; cohort: id, or "all"" """
    if isinstance(plan.breakdown, ByCohort):
        return value[0] if value == ("all",) else int(value[0])
    assert plan.breakdown is not None
    return list(value) if plan.breakdown.listed else value[0]


def _value_label(plan: TrendsPlan, value: Value) -> str:
    if isinstance(plan.breakdown, ByCohort):
        names = {str(cohort) if cohort else "all": name for cohort, name in plan.breakdown.cohorts}
        return names[value[0]]
    return "::".join(value)


# Formulas


def _formula_rows(
    plan: TrendsPlan,
    place: int,
    formula: Formula,
    side: str,
    span: Span,
    found: Mapping[int, list[Line]],
    *,
    late: bool,
) -> list[Row]:
    """ "Broken down: one row per value that any of its series has …; a series without it counts
    zeros" """
    named = sorted(_letters(formula.tree))
    values = dict.fromkeys(line.value for at in named for line in found.get(at, []))
    if plan.breakdown is None:
        values = {None: None}
    points = 1 if isinstance(plan.shape, OneValue) else len(span.shown)
    made: list[Line] = []
    for one in values:
        data = {
            at: next((line.numbers for line in found.get(at, []) if line.value == one), None)
            for at in named
        }
        numbers = [
            _come_to(formula.tree, {at: of[point] if of else 0 for at, of in data.items()})
            for point in range(points)
        ]
        other = one is not None and set(one) == {OTHER}
        own = [line.late for at in named for line in found.get(at, []) if line.value == one]
        came_late = [sum(of[point] for of in own) for point in range(points)] if late else []
        made.append(Line(one, numbers, [], other, came_late))
    if plan.breakdown is not None:
        made.sort(key=lambda line: (line.other, _place(line)))
    return [
        _formula_row(plan, place, formula, side, span, line)
        | ({"late": list(line.late)} if late else {})
        for line in made
    ]


def _formula_row(
    plan: TrendsPlan, place: int, formula: Formula, side: str, span: Span, line: Line
) -> Row:
    shown = _numbers_shown(plan, span, line.numbers)
    if isinstance(plan.shape, OneValue):
        shown["data"] = None
    else:
        shown["count"] = math.fsum(line.numbers)
    return {
        "action": None,
        "label": formula.custom_name or f"Formula ({formula.text})",
        "order": place,
        **shown,
        **_told_apart(plan, side, line.value),
    }


def _letters(part: AnyPart) -> set[int]:
    match part:
        case Letter(place):
            return {place}
        case Constant():
            return set()
        case Negative(inner):
            return _letters(inner)
        case Operation(_, left, right):
            return _letters(left) | _letters(right)
        case _:
            assert_never(part)


def _come_to(part: AnyPart, numbers: Mapping[int, float]) -> float:
    """ "Division or remainder by zero: 0"; so is what is no finite real number."""
    try:
        found = _calculated(part, numbers)
    except (ZeroDivisionError, OverflowError):
        return 0
    return 0 if isinstance(found, complex) or not math.isfinite(found) else found


def _calculated(part: AnyPart, numbers: Mapping[int, float]) -> float:
    match part:
        case Letter(place):
            return float(numbers[place])
        case Constant(constant):
            return constant
        case Negative(inner):
            return -_calculated(inner, numbers)
        case Operation(sign, left_part, right_part):
            left, right = _calculated(left_part, numbers), _calculated(right_part, numbers)
            match sign:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "/":
                    return left / right if right != 0 else 0
                case "%":
                    return left % right if right != 0 else 0
                case "**":
                    power: Any = 0 if left == 0 and right < 0 else left**right
                    return 0 if isinstance(power, complex) else float(power)
                case _:
                    assert_never(sign)
        case _:
            assert_never(part)


# Box plots


def _boxes(plan: TrendsPlan, reading: Reading) -> list[Row]:
    """ "one row per series and period …. Ascending by series, then day" """
    rows: list[Row] = []
    for series in plan.series:
        events = counting(plan, series, plan.span, reading)
        points = behind_points(plan, series, plan.span, events, reading)
        name = series.entity.custom_name or series.entity.name
        for day, label, of_point in zip(days(plan.span), labels(plan.span), points, strict=True):
            rows.append(
                {
                    "day": day,
                    "label": label,
                    **box(series, of_point, reading),
                    "series_index": series.place,
                    "series_label": f"{name} - {series.sent.math_property}",
                }
            )
    return rows
