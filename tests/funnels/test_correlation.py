"""Correlation by events: the SQL counts and ranks as the reference does."""

from math import isclose
from random import Random

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.events.conditions import EventNamed
from services.query.insights.funnels.correlation import question as correlation
from services.query.insights.funnels.correlation.statement import compile_correlation
from services.query.insights.funnels.oracle.correlation import NamedEvent, event_correlation
from services.query.insights.funnels.oracle.seen import microseconds
from services.query.insights.funnels.plan import FunnelPlan, Order
from tests.funnels.engine import store
from tests.funnels.plans import make_plan
from tests.funnels.worlds import Happened, entered, happened_at, make_long_world

pytestmark = pytest.mark.anyio

WORLDS = 6


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
async def test_events_are_correlated_as_the_reference_does(
    clickhouse: ClickHouse, order: Order
) -> None:
    compared = 0
    for seed in range(WORLDS):
        random = Random(f"correlation {seed}")
        world = make_long_world(random, 150, 12)
        plan = make_plan(random, world, seed, order=order, viz="steps", steps=2)
        plan = msgspec.structs.replace(plan, breakdown=None)
        await store(clickhouse, seed, world.histories.items())
        excluded = random.choice(world.names)
        expected = event_correlation(
            plan,
            {str(actor): entered(plan, events) for actor, events in world.histories.items()},
            {str(actor): _named(plan, events) for actor, events in world.histories.items()},
            never=frozenset({excluded}).union(*(_names(step.entity) for step in plan.steps)),
        )

        question = correlation.OfEvents(excluded=(excluded,))
        statement = compile_correlation(plan, question, has_overrides=False)
        got = correlation.render(plan, await clickhouse.query(statement))

        assert got.skewed == expected.skewed
        assert [(e.event.event, e.success_count, e.failure_count) for e in got.events] == [
            (e.name, e.success_count, e.failure_count) for e in expected.events
        ]
        for ours, theirs in zip(expected.events, got.events, strict=True):
            assert ours.correlation_type == theirs.correlation_type
            assert isclose(ours.odds_ratio, theirs.odds_ratio)
        compared += len(expected.events)
    assert compared > 2 * WORLDS, (compared, "too few events to compare")


def _named(plan: FunnelPlan, events: Happened) -> list[NamedEvent]:
    """No filter at all, in the date range."""
    since, until = microseconds(plan.date_from), microseconds(plan.date_to)
    named = (NamedEvent(happened_at(event), event.name) for event in events)
    return [event for event in named if since <= event.at_us <= until]


def _names(condition: object) -> tuple[str, ...]:
    assert isinstance(condition, EventNamed)
    return condition.names
