"""Who is counted, and by which cohorts: what the random funnels leave out."""

from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.events.actors import ExpressionActor, GroupActor
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.oracle.people import outcomes
from services.query.insights.funnels.oracle.steps import StepGroup, scaled, steps, steps_by_cohort
from services.query.insights.funnels.plan import ByCohort, FunnelPlan
from tests.funnels.difference import numbers
from tests.funnels.engine import paths, store
from tests.funnels.plans import make_plan
from tests.funnels.worlds import World, entered, make_world

pytestmark = pytest.mark.anyio

ACTORS = 200
WORLDS = 4


async def stored(clickhouse: ClickHouse, seed: int) -> tuple[Random, World, FunnelPlan]:
    """A world of its own team and a steps funnel over it, without a breakdown."""
    random = Random(f"actors {seed}")
    world = make_world(random, ACTORS)
    plan = make_plan(random, world, seed, viz="steps")
    await store(clickhouse, seed, world.histories.items())
    return random, world, msgspec.structs.replace(plan, breakdown=None)


async def counts(clickhouse: ClickHouse, plan: FunnelPlan) -> list[tuple[Any, list[int]]]:
    """Per row its value and counts, by the SQL."""
    groups, _ = numbers(plan, await compute(clickhouse, plan, has_overrides=False))
    return [(value, [row[0] for row in of_value]) for value, of_value in groups]


def counted(groups: list[StepGroup]) -> list[list[int]]:
    return [[row.count for row in group.steps] for group in groups]


async def test_a_sample_keeps_actors_whole_and_scales_their_counts(clickhouse: ClickHouse) -> None:
    for seed in range(WORLDS):
        _, _, plan = await stored(clickhouse, seed)
        sampled = msgspec.structs.replace(plan, sample=0.3)
        found, kept = await paths(clickhouse, plan), await paths(clickhouse, sampled)
        assert set(kept) <= set(found)
        assert 0 < len(kept) < len(found)
        ((_, whole),) = await counts(clickhouse, sampled)
        assert whole[0] == scaled(sampled, sum(path.times[0] is not None for path in kept))


async def test_each_cohort_counts_its_members(clickhouse: ClickHouse) -> None:
    for seed in range(WORLDS):
        random, world, plan = await stored(clickhouse, seed)
        given = {str(actor): entered(plan, events) for actor, events in world.histories.items()}
        actors = sorted(world.histories)
        members = {id_: random.sample(actors, random.randint(0, ACTORS)) for id_ in (3, 5, 9)}
        await _join(clickhouse, seed, members)
        cohorts = ((9, "nine"), (0, "all users"), (3, "three"), (5, "five"))
        plan = msgspec.structs.replace(plan, breakdown=ByCohort(cohorts))
        expected = steps_by_cohort(
            plan,
            {0: given}
            | {id_: {str(a): given[str(a)] for a in of_id} for id_, of_id in members.items()},
        )
        got = await counts(clickhouse, plan)
        assert [value for value, _ in got] == [int((g.value or ("",))[0]) for g in expected]
        assert [row for _, row in got] == counted(expected)


async def _join(clickhouse: ClickHouse, team_id: int, members: dict[int, list[UUID]]) -> None:
    rows = [(cohort, actor) for cohort, of_cohort in members.items() for actor in of_cohort]
    await clickhouse.insert(
        "cohort_people",
        {
            "team_id": [team_id] * len(rows),
            "cohort_id": [cohort for cohort, _ in rows],
            "person_id": [actor for _, actor in rows],
            "version": [1] * len(rows),
            "member": [True] * len(rows),
        },
    )


async def test_a_property_may_be_the_actor(clickhouse: ClickHouse) -> None:
    """Missing and "" are nobody."""
    for seed in range(WORLDS):
        _, world, plan = await stored(clickhouse, seed)
        by_value: dict[str, list[Any]] = {}
        for events in world.histories.values():
            for event in events:
                if event.value[0]:
                    by_value.setdefault(event.value[0], []).append(event)
        given = {value: entered(plan, tuple(events)) for value, events in by_value.items()}
        expected = counted(steps(plan, given))
        plan = msgspec.structs.replace(plan, actor=ExpressionActor(text="properties.plan"))
        assert [row for _, row in await counts(clickhouse, plan)] == expected


async def test_a_group_may_be_the_actor(clickhouse: ClickHouse) -> None:
    random, world, plan = await stored(clickhouse, 0)
    keys = ("", "g1", "g2", "g3")
    rows: list[tuple[str, Any]] = [
        (random.choice(keys), event) for events in world.histories.values() for event in events
    ]
    everybody = [(UUID(int=1), tuple(event for _, event in rows))]
    await store(clickhouse, 1, everybody, groups=[key for key, _ in rows])
    given = {key: entered(plan, tuple(e for k, e in rows if k == key)) for key in keys[1:]}
    plan = msgspec.structs.replace(plan, team_id=1, actor=GroupActor(index=2))
    assert [row for _, row in await counts(clickhouse, plan)] == counted(steps(plan, given))
    assert {path.actor for path in await paths(clickhouse, plan)} == {
        outcome.actor for outcome in outcomes(plan, given)
    }
