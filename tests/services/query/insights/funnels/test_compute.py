"""Answers of several statements: routed ties, and periods that are compared."""

from datetime import timedelta
from random import Random

import msgspec
import pytest

from contracts.api.funnels import FunnelAnswer, FunnelStep, FunnelTrend, TimeToConvert
from services.common.clickhouse import ClickHouse
from services.query.insights.funnels import compute as computing
from services.query.insights.funnels.compute import compute, routed
from services.query.insights.funnels.plan import EachValue, FunnelPlan, TimesView, TrendView
from services.query.insights.funnels.result import render
from services.query.insights.funnels.statement.funnel import compile_funnel
from services.query.insights.funnels.statement.layout import layout_of
from services.query.insights.funnels.statement.paths import some_by_uuid
from tests.funnels.difference import expected_numbers, numbers, same
from tests.funnels.engine import store
from tests.funnels.plans import make_plan
from tests.funnels.stories import BY_PROPERTY, funnel
from tests.funnels.worlds import World, entered, make_world

pytestmark = pytest.mark.anyio


async def stored(clickhouse: ClickHouse, seed: int, actors: int = 200) -> tuple[Random, World]:
    random = Random(seed)
    world = make_world(random, actors)
    await store(clickhouse, 1, world.histories.items())
    return random, world


@pytest.mark.parametrize(("most", "why"), [(4000, "some by id"), (5, "too many for ids")])
async def test_a_routed_funnel_answers_as_the_reference(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch, most: int, why: str
) -> None:
    monkeypatch.setattr(computing, "MOST_TANGLED", most)
    random, world = await stored(clickhouse, seed=8)
    plans = [
        msgspec.structs.replace(make_plan(random, world, 1, viz="steps"), breakdown=None)
        for _ in range(40)
    ]
    tried = [plan for plan in plans if routed(plan)][:6]
    assert len(tried) == 6, why
    for plan in tried:
        histories = {str(actor): entered(plan, it) for actor, it in world.histories.items()}
        answer = await compute(clickhouse, plan, has_overrides=False, pending=True)
        assert same(expected_numbers(plan, histories), numbers(plan, answer)), plan


async def test_events_wider_than_64_bits_are_told_as_the_reference(clickhouse: ClickHouse) -> None:
    random, world = await stored(clickhouse, seed=8, actors=60)
    made = [make_plan(random, world, 1, viz="steps", steps=60) for _ in range(40)]
    plans = [
        msgspec.structs.replace(plan, date_from=plan.date_from - timedelta(days=300))
        for plan in made
        if some_by_uuid(plan)
    ][:6]
    types = {layout_of(plan).type for plan in plans}
    assert types == {"UInt128"}
    for plan in plans:
        histories = {str(actor): entered(plan, it) for actor, it in world.histories.items()}
        answer = await compute(clickhouse, plan, has_overrides=False, pending=True)
        assert same(expected_numbers(plan, histories), numbers(plan, answer)), plan


async def alone(clickhouse: ClickHouse, plan: FunnelPlan) -> FunnelAnswer:
    return render(plan, await clickhouse.query(compile_funnel(plan, has_overrides=False)))


async def two_periods(clickhouse: ClickHouse, **fields: object) -> tuple[FunnelPlan, FunnelPlan]:
    """A funnel over the second half of the histories, and the same over the first half."""
    _, world = await stored(clickhouse, seed=9)
    kinds = world.kinds
    plan = funnel(
        f"{kinds[0]} {kinds[1]}",
        names=world.names,
        window=world.unit_seconds * 5,
        team_id=1,
    )
    middle = plan.date_from + timedelta(seconds=world.unit_seconds * world.units / 2)
    end = plan.date_from + timedelta(seconds=world.unit_seconds * world.units)
    plan = msgspec.structs.replace(plan, **fields)
    now = msgspec.structs.replace(plan, date_from=middle, date_to=end)
    return now, msgspec.structs.replace(plan, date_to=middle)


async def test_compared_steps_stand_one_side_after_the_other(clickhouse: ClickHouse) -> None:
    now, then = await two_periods(clickhouse)
    answer = await compute(clickhouse, now, has_overrides=False, previous=then)
    rows = msgspec.convert(answer.results, list[FunnelStep])
    assert [row.compare_label for row in rows] == ["current"] * 2 + ["previous"] * 2
    counts = [
        row.count
        for plan in (now, then)
        for row in msgspec.convert((await alone(clickhouse, plan)).results, list[FunnelStep])
    ]
    assert [row.count for row in rows] == counts
    assert answer.total_median_conversion_time is None


async def test_compared_values_keep_the_current_order_and_zeros_fill(
    clickhouse: ClickHouse,
) -> None:
    breakdown = msgspec.structs.replace(BY_PROPERTY, attribution=EachValue())
    now, then = await two_periods(clickhouse, breakdown=breakdown)
    # Nobody is left in the current period but those of its first instant.
    now = msgspec.structs.replace(now, date_to=now.date_from + timedelta(hours=1))
    answer = await compute(clickhouse, now, has_overrides=False, previous=then)
    groups = msgspec.convert(answer.results, list[list[FunnelStep]])
    half = len(groups) // 2
    current, previous = groups[:half], groups[half:]
    assert [g[0].breakdown_value for g in current] == [g[0].breakdown_value for g in previous]
    assert {row.compare_label for group in current for row in group} == {"current"}
    assert {row.compare_label for group in previous for row in group} == {"previous"}
    only_then = {
        str(group[0].breakdown_value)
        for group in msgspec.convert(
            (await alone(clickhouse, then)).results, list[list[FunnelStep]]
        )
    } - {
        str(group[0].breakdown_value)
        for group in msgspec.convert((await alone(clickhouse, now)).results, list[list[FunnelStep]])
    }
    zeros = {str(g[0].breakdown_value) for g in current if all(row.count == 0 for row in g)}
    assert zeros == only_then


async def test_compared_trends_are_labelled(clickhouse: ClickHouse) -> None:
    now, then = await two_periods(clickhouse, view=TrendView(from_step=1, to_step=2))
    answer = await compute(clickhouse, now, has_overrides=False, previous=then)
    lines = msgspec.convert(answer.results, list[FunnelTrend])
    assert [line.compare_label for line in lines] == ["current", "previous"]


async def test_compared_times_share_their_bins(clickhouse: ClickHouse) -> None:
    now, then = await two_periods(clickhouse, view=TimesView(from_step=1, to_step=2))
    answer = await compute(clickhouse, now, has_overrides=False, previous=then)
    current, previous = msgspec.convert(answer.results, list[TimeToConvert])
    assert [start for start, _ in current.bins] == [start for start, _ in previous.bins]
    for plan, side in ((now, current), (then, previous)):
        own = (await alone(clickhouse, plan)).results
        assert isinstance(own, TimeToConvert)
        assert sum(count for _, count in side.bins) == sum(count for _, count in own.bins)
        assert side.average_conversion_time == own.average_conversion_time
        assert side.median_conversion_time == own.median_conversion_time
