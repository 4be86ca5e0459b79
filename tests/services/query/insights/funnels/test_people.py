"""The people behind a count are the count: lists and numbers of random funnels."""

from collections import Counter
from random import Random

import msgspec
import pytest

from contracts.api.funnels import FunnelStep, FunnelTrend, TimeToConvert
from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.oracle.people import outcomes
from services.query.insights.funnels.people.selection import (
    AtStep,
    InBin,
    InPeriod,
    Selection,
    Value,
)
from services.query.insights.funnels.people.statement import compile_actors
from services.query.insights.funnels.periods import periods
from services.query.insights.funnels.plan import FunnelPlan, TrendView
from services.query.insights.funnels.result import render
from services.query.insights.funnels.statement.funnel import compile_funnel
from tests.funnels.engine import store
from tests.funnels.people_page import people
from tests.funnels.plans import make_plan
from tests.funnels.stories import Viz
from tests.funnels.worlds import World, entered, make_world

pytestmark = pytest.mark.anyio

EVERYBODY = 10_000
LEAST = 3
"""Numbers above 0 that a test has to have looked behind."""


async def ids(clickhouse: ClickHouse, plan: FunnelPlan, selection: Selection) -> list[str]:
    rows = await clickhouse.query(
        compile_actors(plan, selection, has_overrides=False, limit=EVERYBODY)
    )
    return [row[0] for row in rows]


async def funnels(
    clickhouse: ClickHouse, viz: Viz, count: int, seed: int
) -> list[tuple[FunnelPlan, object]]:
    """Plans over one stored world, with their results."""
    random = Random(seed)
    world = make_world(random, 120)
    await store(clickhouse, 1, world.histories.items())
    plans = [make_plan(random, world, 1, viz=viz) for _ in range(count)]
    return [
        (
            plan,
            render(plan, await clickhouse.query(compile_funnel(plan, has_overrides=False))).results,
        )
        for plan in plans
    ]


async def test_every_step_lists_as_many_people_as_it_counts(clickhouse: ClickHouse) -> None:
    looked = 0
    for plan, results in await funnels(clickhouse, "steps", 5, seed=1):
        groups = msgspec.convert(results if plan.breakdown else [results], list[list[FunnelStep]])
        for group in [*groups[:1], *groups[-1:]]:
            value = as_value(group[0])
            there = await ids(clickhouse, plan, AtStep(step=1, value=value))
            for row in group:
                step = row.order + 1
                here = await ids(clickhouse, plan, AtStep(step=step, value=value))
                assert len(here) == row.count, (plan, row)
                if step > 1:
                    dropped = await ids(clickhouse, plan, AtStep(step=-step, value=value))
                    # Not as sets: in "Other" somebody may stand once for each merged value.
                    assert Counter(dropped) == Counter(there) - Counter(here), (plan, row)
                if not plan.steps[row.order].optional:
                    there = here
                looked += bool(here)
    assert looked > LEAST


def as_value(row: FunnelStep) -> Value | None:
    match row.breakdown_value:
        case list(parts):
            return tuple(parts)
        case str(text):
            return (text,)
        case int(cohort):
            return cohort
        case _:
            return None


async def test_every_period_lists_who_entered_and_who_converted(clickhouse: ClickHouse) -> None:
    looked = 0
    for plan, results in await funnels(clickhouse, "trends", 6, seed=3):
        assert isinstance(plan.view, TrendView)
        for line in msgspec.convert(results, list[FunnelTrend])[:2]:
            value = tuple(line.breakdown_value) if isinstance(line.breakdown_value, list) else None
            every = zip(periods(plan, plan.view), line.data, strict=False)
            for period, percent in sorted(every, key=lambda pair: -pair[1])[:3]:
                both = [
                    await ids(
                        clickhouse,
                        plan,
                        InPeriod(start=period.start, dropped_off=dropped_off, value=value),
                    )
                    for dropped_off in (False, True)
                ]
                converted, dropped = map(len, both)
                entered_ = converted + dropped
                assert percent == (round(100 * converted / entered_, 2) if entered_ else 0), plan
                looked += bool(entered_)
    assert looked > LEAST


async def test_every_bin_lists_as_many_people_as_it_counts(clickhouse: ClickHouse) -> None:
    looked = 0
    for plan, results in await funnels(clickhouse, "time_to_convert", 4, seed=4):
        assert isinstance(results, TimeToConvert)
        width = results.bins[1][0] - results.bins[0][0]
        for start, count in sorted(results.bins, key=lambda pair: -pair[1])[:4]:
            found = await ids(clickhouse, plan, InBin(from_seconds=start, to_seconds=start + width))
            assert len(found) == count, plan
            looked += bool(count)
    assert looked > LEAST


async def test_pages_follow_each_other_by_id(clickhouse: ClickHouse) -> None:
    [(plan, _)] = await funnels(clickhouse, "steps", 1, seed=5)
    plan = msgspec.structs.replace(plan, breakdown=None)
    whole = await ids(clickhouse, plan, AtStep(step=1))
    pages = [
        await clickhouse.query(
            compile_actors(plan, AtStep(step=1), has_overrides=False, limit=7, offset=offset)
        )
        for offset in range(0, len(whole) + 7, 7)
    ]
    assert [row[0] for page in pages for row in page] == whole == sorted(whole)


async def test_people_come_with_the_events_that_took_their_steps(clickhouse: ClickHouse) -> None:
    random = Random(6)
    world = make_world(random, 150)
    await store(clickhouse, 1, world.histories.items())
    looked = 0
    for _ in range(8):
        plan = msgspec.structs.replace(make_plan(random, world, 1, viz="steps"), breakdown=None)
        if plan.order == "unordered":
            continue
        expected = expected_events(plan, world)
        assert await matched_events(clickhouse, plan) == expected
        looked += bool(expected)
    assert looked > 2


async def matched_events(
    clickhouse: ClickHouse, plan: FunnelPlan
) -> dict[str, list[tuple[int, str]]]:
    found = await people(clickhouse, plan, AtStep(step=1), has_overrides=False, limit=EVERYBODY)
    return {who.id: [(e.step, e.uuid) for e in who.matched_events] for who in found}


def expected_events(plan: FunnelPlan, world: World) -> dict[str, list[tuple[int, str]]]:
    histories = {str(actor): entered(plan, events) for actor, events in world.histories.items()}
    return {
        outcome.actor: [(taken.step, str(taken.uuid)) for taken in outcome.attempt.path]
        for outcome in outcomes(plan, histories)
    }
