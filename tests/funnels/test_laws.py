"""What must hold of any funnel's answer, whoever computes it; here of the SQL's."""

from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.events.conditions import EventNamed
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.plan import (
    Attribution,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    Order,
    TrendView,
)
from tests.funnels.difference import numbers
from tests.funnels.engine import Path, paths, store
from tests.funnels.plans import make_plan
from tests.funnels.stories import BY_PROPERTY, Event
from tests.funnels.worlds import UNRELATED, World, make_world

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("order", ["ordered", "strict", "unordered"]),
]

ACTORS = 200
WORLDS = 4
AGAIN = 2
"""The team under which a world is stored a second time."""


async def worlds(
    clickhouse: ClickHouse, order: Order
) -> AsyncIterator[tuple[Random, World, FunnelPlan]]:
    """Worlds, each stored as team 1, with a funnel without a breakdown."""
    for seed in range(WORLDS):
        random = Random(f"law {seed}")
        world = make_world(random, ACTORS)
        plan = make_plan(random, world, 1, order=order, viz="steps")
        await store(clickhouse, 1, world.histories.items())
        yield random, world, msgspec.structs.replace(plan, breakdown=None)
        await clickhouse.command("TRUNCATE TABLE events")


async def answer(clickhouse: ClickHouse, plan: FunnelPlan) -> Any:
    return numbers(plan, await compute(clickhouse, plan, has_overrides=False, pending=True))


async def counts(clickhouse: ClickHouse, plan: FunnelPlan) -> list[list[int]]:
    """Per breakdown value the count of each step."""
    groups, _ = await answer(clickhouse, plan)
    return [[row[0] for row in rows] for _, rows in groups]


async def test_the_order_of_insertion_changes_nothing(clickhouse: ClickHouse, order: Order) -> None:
    async for random, world, plan in worlds(clickhouse, order):
        shuffled = [
            (actor, tuple(random.sample(events, len(events))))
            for actor, events in random.sample(list(world.histories.items()), ACTORS)
        ]
        await store(clickhouse, AGAIN, shuffled)
        again = msgspec.structs.replace(plan, team_id=AGAIN)
        assert await paths(clickhouse, plan) == await paths(clickhouse, again)
        assert await answer(clickhouse, plan) == await answer(clickhouse, again)


async def test_an_unrelated_event_changes_nothing_unless_strict(
    clickhouse: ClickHouse, order: Order
) -> None:
    if order == "strict":
        pytest.skip("strict looks at every event")
    async for random, world, plan in worlds(clickhouse, order):
        exclusions = tuple(one for one in plan.exclusions if not _asks_for(UNRELATED, one.matches))
        plan = msgspec.structs.replace(plan, exclusions=exclusions)
        crowded = [
            (actor, (*events, *(_unrelated(random, event) for event in events)))
            for actor, events in world.histories.items()
        ]
        await store(clickhouse, AGAIN, crowded)
        again = msgspec.structs.replace(plan, team_id=AGAIN)
        assert await paths(clickhouse, plan) == await paths(clickhouse, again)


def _asks_for(name: str, condition: object) -> bool:
    return isinstance(condition, EventNamed) and name in condition.names


def _unrelated(random: Random, beside: Event) -> Event:
    """At the same time or a second later."""
    at_us = beside.at_us + random.choice((0, 1_000_000))
    return Event(UNRELATED, at_us, UUID(int=random.getrandbits(128)), beside.value)


@pytest.mark.parametrize("attribution", [FirstTouch(), LastTouch()])
async def test_the_rows_of_a_touch_add_up_to_the_whole(
    clickhouse: ClickHouse, order: Order, attribution: Attribution
) -> None:
    async for _, _, plan in worlds(clickhouse, order):
        breakdown = msgspec.structs.replace(BY_PROPERTY, attribution=attribution, limit=2)
        rows = await counts(clickhouse, msgspec.structs.replace(plan, breakdown=breakdown))
        (whole,) = await counts(clickhouse, plan)
        assert [sum(row[k] for row in rows) for k in range(len(whole))] == whole


async def test_a_count_is_the_number_of_its_actors(clickhouse: ClickHouse, order: Order) -> None:
    async for _, _, plan in worlds(clickhouse, order):
        found = await paths(clickhouse, plan)
        assert await counts(clickhouse, plan) == [_having(found, len(plan.steps))]


def _having(found: list[Path], steps: int) -> list[int]:
    has = Counter(k for path in found for k, at in enumerate(path.times) if at is not None)
    return [has[k] for k in range(steps)]


async def test_a_trend_of_one_period_is_the_funnel(clickhouse: ClickHouse, order: Order) -> None:
    """Without exclusions and ties, which the two treat differently on purpose."""
    if order == "unordered":
        pytest.skip("an unordered trend counts what is left behind too")
    async for _, world, plan in worlds(clickhouse, order):
        untied = [
            (actor, tuple({event.at_us: event for event in events}.values()))
            for actor, events in world.histories.items()
        ]
        await store(clickhouse, AGAIN, untied)
        required = tuple(msgspec.structs.replace(step, optional=False) for step in plan.steps)
        funnel = msgspec.structs.replace(
            plan,
            team_id=AGAIN,
            steps=required,
            exclusions=(),
            timezone="Asia/Kolkata",  # whose January begins before the first event
        )
        (steps,) = await counts(clickhouse, funnel)
        view = TrendView(from_step=1, to_step=len(required), interval="month")
        trend = msgspec.structs.replace(funnel, view=view)
        ((_, periods, data, *_),) = await answer(clickhouse, trend)
        rate = round(100 * steps[-1] / steps[0], 2) if steps[0] else 0
        assert (periods, data) == (1, [rate])
