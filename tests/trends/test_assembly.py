"""Random answers: the rows that production makes of the reference's numbers are the reference's.

What is counted is the reference's on both sides: the engine's numbers have tests of their own.
"""

from collections import Counter
from collections.abc import Sequence
from math import isclose
from random import Random
from typing import Any, Literal

import msgspec
import pytest

from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.events.periods import Span
from services.query.insights.lifecycle import oracle as lifecycles
from services.query.insights.lifecycle import result as lifecycle_result
from services.query.insights.lifecycle.plan import STATUSES
from services.query.insights.stickiness import oracle as stickinesses
from services.query.insights.stickiness import result as stickiness_result
from services.query.insights.stickiness.plan import Intervals
from services.query.insights.trends.oracle import counted, numbers, rows, values
from services.query.insights.trends.plan import Boxes, ByCohort, OneValue, Series, TrendsPlan
from services.query.insights.trends.result import (
    Box,
    Line,
    RowValue,
    Shown,
    Side,
    has_other,
    other_value,
    ranked,
    render,
    render_boxes,
    shown,
)
from tests.trends.cases import make_case, make_lifecycle, make_stickiness, make_trends, reading_of

CASES = 120
Labels = Literal["current", "previous"]


def same(a: Any, b: Any) -> bool:
    """Equal, with floats equal but for the last digits."""
    match a, b:
        case float(), int() | float():
            return isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
        case int(), float():
            return same(b, a)
        case dict(), dict():
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case list() | tuple(), list() | tuple():
            return len(a) == len(b) and all(map(same, a, b))
        case _:
            return bool(a == b)


def told(results: Sequence[msgspec.Struct]) -> Any:
    """Rows as clients read them, without what is there for looks alone."""
    found = msgspec.json.decode(msgspec.json.encode(results))
    return [{name: of for name, of in row.items() if name != "filter"} for row in found]


def side(plan: TrendsPlan, label: Labels, span: Span, reading: Reading) -> Side:
    return Side(label, span, {one.place: lines(plan, one, span, reading) for one in plan.series})


def lines(plan: TrendsPlan, series: Series, span: Span, reading: Reading) -> list[Shown]:
    """As the caller of `ranked` gets them, with the reference for an engine."""
    events = counted.counting(plan, series, span, reading)
    by: dict[RowValue, list[Event]] = {None: events}
    if plan.breakdown is not None:
        by = {
            _value(plan, value): of
            for value, of in values.by_value(plan.breakdown, events, reading).items()
        }

    def line(value: RowValue, of: list[Event]) -> Line:
        return Line(value, _numbers(plan, series, span, of, reading))

    found = ranked(plan, series, span, [line(value, of) for value, of in by.items()])
    kept = list(found.kept)
    if has_other(plan, found):
        rest = [event for value in found.rest for event in by[value]]
        kept.append(shown(plan, series, span, line(other_value(plan), rest)))
    return kept


def _value(plan: TrendsPlan, value: values.Value) -> RowValue:
    if isinstance(plan.breakdown, ByCohort):
        return 0 if value == ("all",) else int(value[0])
    return value


def _numbers(
    plan: TrendsPlan, series: Series, span: Span, of: list[Event], reading: Reading
) -> tuple[float, ...]:
    points = counted.behind_points(plan, series, span, of, reading)
    bare = msgspec.structs.replace(series, multiplier=None)
    found = [numbers.value(plan, bare, one, reading) for one in points]
    if isinstance(plan.shape, OneValue):
        return tuple(found or [0])
    # One number per period: those without a point are not looked at.
    all_periods = [-1.0] * len(span.periods)
    for index, number in zip(span.shown, found, strict=True):
        all_periods[index] = number
    return tuple(all_periods)


def boxes(plan: TrendsPlan, series: Series, reading: Reading) -> list[Box]:
    events = counted.counting(plan, series, plan.span, reading)
    points = counted.behind_points(plan, series, plan.span, events, reading)
    bare = msgspec.structs.replace(series, multiplier=None)
    found = [Box()] * len(plan.span.periods)
    for index, of in zip(plan.span.shown, points, strict=True):
        found[index] = Box(**numbers.box(bare, of, reading))
    return found


@pytest.mark.parametrize("part", range(4))
def test_rows_of_trends(part: int) -> None:
    shapes: Counter[str] = Counter()
    for number in range(CASES):
        random = Random(f"trends {part} {number}")
        case = make_case(random, 1, events=40)
        plan = make_trends(random, case)
        reading = reading_of(case, plan)
        expected = rows.answer(plan, reading)
        if isinstance(plan.shape, Boxes):
            of = {one.place: boxes(plan, one, reading) for one in plan.series}
            answer = render_boxes(plan, of)
        else:
            sides = [side(plan, "current", plan.span, reading)]
            if plan.previous is not None:
                sides.append(side(plan, "previous", plan.previous, reading))
            answer = render(plan, sides)
        got = told(answer.results)
        assert same(got, expected.results), (part, number, plan)
        assert answer.has_more == expected.has_more, (part, number, plan)
        shapes[type(plan.shape).__name__] += bool(got)
    assert len(shapes) == 3, shapes


def test_rows_of_stickiness() -> None:
    for number in range(CASES):
        random = Random(f"stickiness {number}")
        case = make_case(random, 1, events=40)
        plan = make_stickiness(random, case)
        reading = reading_of(case, plan)

        def exactly(
            intervals: Intervals, plan: Any = plan, reading: Reading = reading
        ) -> dict[int, list[int]]:
            found = {}
            for one in plan.series:
                active = stickinesses.active_intervals(plan, one, intervals, reading)
                counts = Counter(len(of) for of in active.values())
                found[one.place] = [counts[k] for k in range(1, len(intervals.intervals) + 1)]
            return found

        sides = [stickiness_result.Side("current", plan.current, exactly(plan.current))]
        if plan.previous is not None:
            before = stickiness_result.Side("previous", plan.previous, exactly(plan.previous))
            sides.append(before)
        got = told(stickiness_result.render(plan, sides))
        assert same(got, stickinesses.answer(plan, reading)), (number, plan)


def test_rows_of_lifecycles() -> None:
    for number in range(CASES):
        random = Random(f"lifecycle {number}")
        case = make_case(random, 1, events=40)
        plan = make_lifecycle(random, case)
        reading = reading_of(case, plan)
        found = Counter(
            (status, period) for (period, _), status in lifecycles.statuses(plan, reading).items()
        )
        periods = range(len(plan.span.periods))
        counts = {status: [found[status, period] for period in periods] for status in STATUSES}
        got = told(lifecycle_result.render(plan, counts))
        assert same(got, lifecycles.answer(plan, reading)), (number, plan)
