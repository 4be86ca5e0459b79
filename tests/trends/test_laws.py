"""Laws that hold of every answer, whoever computes it: trends.md section 18, over random worlds.

They are asked of the reference here: it is what the engine is compared with.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import World
from services.query.events.periods import Span
from services.query.insights.lifecycle import oracle as lifecycles
from services.query.insights.lifecycle import pointing as lifecycle_pointing
from services.query.insights.lifecycle.plan import STATUSES
from services.query.insights.stickiness import oracle as stickinesses
from services.query.insights.stickiness import pointing as stickiness_pointing
from services.query.insights.trends.formulas import Formula, Letter
from services.query.insights.trends.oracle import counted, people, rows
from services.query.insights.trends.oracle.counted import actor_of
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    AnyMath,
    Boxes,
    ByCohort,
    ByProperty,
    FirstTime,
    OneValue,
    Points,
    Total,
    TrendsPlan,
)
from services.query.insights.trends.pointing import OfCohort, OfOther, OfValue, Pointed, pointed
from tests.trends.cases import (
    Case,
    make_actors,
    make_case,
    make_lifecycle,
    make_stickiness,
    make_trends,
)

CASES = 80
LEAST = 10
"""Cases that a law has to have looked at, beyond those that it passes over."""


def cases(name: str) -> Iterator[tuple[Random, Case]]:
    for number in range(CASES):
        random = Random(f"law {name} {number}")
        yield random, make_case(random, 1, events=40)


def trends(name: str) -> Iterator[tuple[TrendsPlan, Reading]]:
    """Plans without boxes or formulas, plain data of one series."""
    for random, case in cases(name):
        plan = make_trends(random, case)
        if isinstance(plan.shape, Boxes) or not plan.series:
            continue
        plain = [msgspec.structs.replace(one, multiplier=None) for one in plan.series[:1]]
        plan = msgspec.structs.replace(plan, series=tuple(plain), formulas=())
        yield plan, Reading(case.world, plan.cohorts, case.facts.timezone)


def with_math(plan: TrendsPlan, math: AnyMath) -> TrendsPlan:
    series = msgspec.structs.replace(plan.series[0], math=math)
    return msgspec.structs.replace(plan, series=(series,))


def person(plan: TrendsPlan) -> Actors:
    found = plan.series[0].math
    return found if isinstance(found, Actors) else Actors(actor_of(plan.series[0]))


def whole(plan: TrendsPlan) -> TrendsPlan:
    return msgspec.structs.replace(plan, breakdown=None, previous=None, shape=Points())


def numbers(plan: TrendsPlan, reading: Reading) -> list[float]:
    (row,) = rows.answer(plan, reading).results
    found: list[float] = row["data"]
    return found


def test_the_order_of_events_makes_no_difference() -> None:
    for random, case in cases("order"):
        plan = make_trends(random, case)
        shuffled = list(case.world.events)
        random.shuffle(shuffled)
        other = msgspec.structs.replace(case.world, events=tuple(shuffled))
        both = [
            rows.answer(plan, Reading(world, plan.cohorts, case.facts.timezone)).results
            for world in (case.world, other)
        ]
        assert both[0] == both[1], plan


def test_the_people_of_every_point_are_its_number() -> None:
    checked = 0
    for plan, reading in trends("people"):
        one = plan.series[0]
        if not isinstance(one.math, Actors | ActiveActors | Total | FirstTime):
            continue
        shape = plan.shape
        if isinstance(shape, Points):
            plan = msgspec.structs.replace(plan, shape=Points(cumulative=shape.cumulative))
        for side, span in (("current", plan.span), ("previous", plan.previous)):
            for line in rows.lines(plan, one, span, reading) if span is not None else ():
                for point, number in points(plan, span, line.numbers):
                    found = people.people(plan, at(plan, one, side, point, line), reading)
                    number_of_point = (
                        sum(events for _, events in found)
                        if isinstance(one.math, Total | FirstTime)
                        else len(found)
                    )
                    assert number_of_point == number, (plan, point)
                    checked += 1
    assert checked > 300


def points(
    plan: TrendsPlan, span: Span | None, data: list[float]
) -> list[tuple[int | None, float]]:
    """The numbers of single points: of a cumulative row, what each adds."""
    if isinstance(plan.shape, OneValue) or span is None:
        return [(None, data[0])]
    assert isinstance(plan.shape, Points)
    own = data
    if plan.shape.cumulative:
        own = [after - before for before, after in zip([0, *data], data, strict=False)]
    return list(zip(span.shown, own, strict=True))


def at(plan: TrendsPlan, series: Any, side: Any, point: int | None, line: rows.Line) -> Pointed:
    row: Any = None
    if line.other:
        row = OfOther()
    elif isinstance(plan.breakdown, ByCohort):
        row = OfCohort(0 if line.value == ("all",) else int((line.value or ("",))[0]))
    elif line.value is not None:
        row = OfValue(line.value)
    return Pointed(series=series, side=side, point=point, row=row)


def test_whoever_is_pointed_at_is_among_all_who_count() -> None:
    """Of a row, a point or both: never more than of the whole series, in windows too."""
    for random, case in cases("pointing"):
        plan = make_trends(random, case)
        reading = Reading(case.world, plan.cohorts, case.facts.timezone)
        if isinstance(plan.shape, Boxes):
            continue
        answer = rows.answer(plan, reading).results
        for _ in range(5):
            number = pointed(plan, make_actors(random, plan, answer))
            found = dict(people.people(plan, number, reading))
            span = plan.span if number.side == "current" else plan.previous
            if number.series is None or span is None:
                assert not found
                continue
            counts = counted.counting(plan, number.series, span, reading)
            actor = counted.actor_of(number.series)
            everybody = Counter(reading.actor(actor, event) for event in counts)
            assert all(events <= everybody[one] for one, events in found.items()), (plan, number)


def test_totals_of_all_rows_add_up_to_the_row_without_a_breakdown() -> None:
    looked = 0
    for plan, reading in trends("rows"):
        if not isinstance(plan.breakdown, ByProperty):
            continue
        shown = msgspec.structs.replace(plan.breakdown, hide_other=False)
        plan = msgspec.structs.replace(with_math(plan, Total()), previous=None, shape=Points())
        broken_down = msgspec.structs.replace(plan, breakdown=shown)
        found = [row["data"] for row in rows.answer(broken_down, reading).results]
        sums = [sum(column) for column in zip(*found, strict=True)] or [0] * plan.span.points
        assert sums == numbers(whole(plan), reading), plan
        looked += 1
    assert looked > LEAST


def test_the_last_point_of_cumulative_people_is_their_number_in_the_whole_range() -> None:
    looked = 0
    for plan, reading in trends("cumulative"):
        if plan.span.interval != "day" or not plan.span.shown:
            continue
        plan = whole(with_math(plan, person(plan)))
        summed = msgspec.structs.replace(plan, shape=Points(cumulative=True))
        one = msgspec.structs.replace(plan, shape=OneValue())
        (row,) = rows.answer(one, reading).results
        assert numbers(summed, reading)[-1] == row["aggregated_value"], plan
        looked += 1
    assert looked > LEAST


def test_whoever_is_active_on_a_day_is_active_in_its_week_and_month() -> None:
    looked = 0
    for plan, reading in trends("windows"):
        if plan.span.interval != "day":
            continue
        actor = person(plan).actor
        by_day, by_week, by_month = (
            numbers(whole(with_math(plan, math)), reading)
            for math in (Actors(actor), ActiveActors(actor, 7), ActiveActors(actor, 30))
        )
        assert all(a <= b <= c for a, b, c in zip(by_day, by_week, by_month, strict=True)), plan
        looked += 1
    assert looked > LEAST


def test_a_formula_of_one_letter_is_its_series() -> None:
    looked = 0
    for plan, reading in trends("formula"):
        if plan.series[0].place != 0:
            continue
        formula = msgspec.structs.replace(plan, formulas=(Formula("A", Letter(0)),))
        name = "aggregated_value" if isinstance(plan.shape, OneValue) else "data"

        def told(answer: rows.Answer, name: str = name) -> list[Any]:
            found = [
                (str(row.get("breakdown_value")), row.get("compare_label"), row[name])
                for row in answer.results
            ]
            return sorted(found, key=str)

        assert told(rows.answer(formula, reading)) == told(rows.answer(plan, reading)), plan
        looked += 1
    assert looked > LEAST


def test_the_previous_side_is_the_same_query_over_that_range() -> None:
    looked = 0
    for plan, reading in trends("previous"):
        if plan.previous is None:
            continue
        earlier = msgspec.structs.replace(plan, span=plan.previous, previous=None)
        compared = rows.answer(plan, reading).results
        before = [row for row in compared if row["compare_label"] == "previous"]
        for row in before:
            del row["compare"], row["compare_label"]
        assert before == rows.answer(earlier, reading).results, plan
        looked += 1
    assert looked > LEAST


def test_merging_two_persons_leaves_the_totals_and_takes_shared_days_from_people() -> None:
    looked = 0
    for plan, reading in trends("merge"):
        world = reading.world
        present = sorted({world.person(event) for event in world.events})
        if len(present) < 2:
            continue
        plan = unfiltered(whole(with_math(plan, Total())))
        merged = {**world.merged, present[0]: present[1]}
        merged |= {was: present[1] for was, now in merged.items() if now == present[0]}
        after = Reading(
            msgspec.structs.replace(world, merged=merged), plan.cohorts, reading.timezone
        )
        assert numbers(plan, reading) == numbers(plan, after)
        actors = with_math(plan, Actors(PersonActor()))
        by_day = [people_of(actors, reading, point) for point in plan.span.shown]
        lost = [int({str(present[0]), str(present[1])} <= of_day) for of_day in by_day]
        expected = [a - b for a, b in zip(numbers(actors, reading), lost, strict=True)]
        assert numbers(actors, after) == expected, plan
        looked += 1
    assert looked > LEAST


def unfiltered(plan: TrendsPlan) -> TrendsPlan:
    """Counting events by their own properties alone, which no merge changes."""
    series = plan.series[0]
    entity = msgspec.structs.replace(series.entity, matches=series.entity.entity)
    series = msgspec.structs.replace(series, entity=entity)
    return msgspec.structs.replace(plan, series=(series,), filters=ALWAYS)


def people_of(plan: TrendsPlan, reading: Reading, point: int) -> set[str]:
    number = Pointed(series=plan.series[0], side="current", point=point, row=None)
    return {actor for actor, _ in people.people(plan, number, reading)}


def test_stickiness_counts_each_actor_once_and_its_people_are_its_numbers() -> None:
    looked = 0
    for random, case in cases("stickiness"):
        plan = make_stickiness(random, case)
        reading = Reading(case.world, plan.cohorts, case.facts.timezone)
        for row in stickinesses.answer(plan, reading):
            series = next(one for one in plan.series if one.place == row["order"])
            side = row.get("compare_label", "current")
            for k, number in zip(row["days"], row["data"], strict=True):
                operator: Any = "gte" if plan.cumulative else "exact"
                pointed = stickiness_pointing.Pointed(
                    series=series, side=side, intervals=k, operator=operator
                )
                assert len(stickinesses.people(plan, pointed, reading)) == number, plan
            if plan.cumulative and row["data"]:
                assert row["data"][0] == row["count"]
        looked += 1
    assert looked > LEAST


def test_statuses_of_a_lifecycle_add_up_to_the_active_actors() -> None:
    looked = 0
    for random, case in cases("lifecycle"):
        plan = make_lifecycle(random, case)
        reading = Reading(case.world, plan.cohorts, case.facts.timezone)
        if plan.entity is None or len(plan.span.shown) < len(plan.span.periods):
            continue
        found = {row["status"]: row["data"] for row in lifecycles.answer(plan, reading)}
        active = lifecycles.active(plan, reading)
        for index in random.sample(plan.span.shown, min(5, plan.span.points)):
            here = {actor for period, actor in active if period == index}
            new, returning, resurrecting = (found[status][index] for status in STATUSES[:3])
            assert new + returning + resurrecting == len(here), plan
            number = lifecycle_pointing.Pointed(index, "dormant")
            silent = lifecycles.people(plan, number, reading)
            assert -found["dormant"][index] == len(silent), plan
        looked += 1
    assert looked > LEAST


def test_a_lifecycle_loses_nobody_who_was_not_first_seen_after_the_fact() -> None:
    looked = 0
    for random, case in cases("first seen"):
        plan = make_lifecycle(random, case)
        world = seen_in_time(case.world)
        reading = Reading(world, plan.cohorts, case.facts.timezone)
        if plan.entity is None or len(plan.span.shown) < len(plan.span.periods):
            continue
        found = {row["status"]: row["data"] for row in lifecycles.answer(plan, reading)}
        active = lifecycles.active(plan, reading)
        for index in plan.span.shown:
            before = {actor for period, actor in active if period == index - 1}
            assert found["returning"][index] - found["dormant"][index] == len(before), plan
        looked += 1
    assert looked > LEAST


def seen_in_time(world: World) -> World:
    """Nobody's first-seen date is younger than its events."""
    first = min((event.at for event in world.events), default=None)
    if first is None:
        return world
    return msgspec.structs.replace(
        world,
        persons={
            id_: msgspec.structs.replace(of, created_at=min(of.created_at, first))
            for id_, of in world.persons.items()
        },
        groups={
            key: msgspec.structs.replace(of, created_at=min(of.created_at, first))
            for key, of in world.groups.items()
        },
    )
