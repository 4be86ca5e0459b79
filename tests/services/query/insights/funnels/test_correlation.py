"""Correlation of random funnels against the reference, and the people behind each count."""

import math
from collections import defaultdict
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.api.correlation import CorrelationResults, Element
from services.common.clickhouse import ClickHouse
from services.query.events.conditions import EventNamed
from services.query.insights.funnels.correlation.elements import read_chain
from services.query.insights.funnels.correlation.question import (
    OfEvents,
    OfRecords,
    own_names,
    p_value,
    render,
)
from services.query.insights.funnels.correlation.statement import (
    CorrelationSelection,
    HasEvent,
    HasRecord,
    compile_correlated,
    compile_correlation,
)
from services.query.insights.funnels.oracle.correlation import NamedEvent, event_correlation
from services.query.insights.funnels.oracle.seen import microseconds
from services.query.insights.funnels.plan import FunnelPlan
from tests.funnels.engine import store
from tests.funnels.plans import make_plan
from tests.funnels.stories import Event
from tests.funnels.worlds import World, entered, happened_at, make_world

pytestmark = pytest.mark.anyio

EVERYBODY = 10_000


async def told(clickhouse: ClickHouse, plan: FunnelPlan, question: Any) -> CorrelationResults:
    statement = compile_correlation(plan, question, has_overrides=False)
    return render(plan, await clickhouse.query(statement))


async def behind(clickhouse: ClickHouse, plan: FunnelPlan, selection: CorrelationSelection) -> int:
    rows = await clickhouse.query(
        compile_correlated(plan, selection, has_overrides=False, limit=EVERYBODY)
    )
    assert [row[0] for row in rows] == sorted({row[0] for row in rows})
    return len(rows)


def noisy(random: Random, world: World) -> World:
    """With events that are no steps, at times when something happens, or a little beside."""
    return msgspec.structs.replace(
        world,
        histories={
            actor: (*events, *(_noise(random, event) for event in events for _ in range(2)))
            for actor, events in world.histories.items()
        },
    )


def _noise(random: Random, beside: Event) -> Event:
    return Event(
        name=random.choice(("help", "chat", "search")),
        at_us=beside.at_us + random.choice((-1, 0, 0, 1, 500_000)),
        uuid=UUID(int=random.getrandbits(128)),
    )


def expected(plan: FunnelPlan, world: World, never: frozenset[str]) -> Any:
    histories = {str(actor): entered(plan, events) for actor, events in world.histories.items()}
    named: dict[str, list[NamedEvent]] = defaultdict(list)
    for actor, events in world.histories.items():
        for event in events:
            at_us = happened_at(event)
            if microseconds(plan.date_from) <= at_us <= microseconds(plan.date_to):
                named[str(actor)].append(NamedEvent(at_us, event.name))
    return event_correlation(plan, histories, named, never)


@pytest.mark.parametrize("seed", range(3))
async def test_events_are_counted_as_the_reference_counts_them_and_each_count_is_a_list(
    clickhouse: ClickHouse, seed: int
) -> None:
    random = Random(seed)
    world = noisy(random, make_world(random, 120))
    await store(clickhouse, 1, world.histories.items())
    listed = 0
    for _ in range(10):
        plan = make_plan(random, world, 1, viz="steps")
        own = own_names(plan)
        excluded = tuple(name for name in world.names if random.random() < 0.2)
        never = frozenset({*own, *excluded})
        found = await told(clickhouse, plan, OfEvents(excluded))
        reference = expected(plan, world, never)
        assert found.skewed == reference.skewed, plan
        assert [
            (one.event.event, one.success_count, one.failure_count, one.correlation_type)
            for one in found.events
        ] == [
            (one.name, one.success_count, one.failure_count, one.correlation_type)
            for one in reference.events
        ], plan
        for one, other in zip(found.events, reference.events, strict=True):
            assert math.isclose(one.odds_ratio, other.odds_ratio)
        for one in found.events[:2]:
            listed += 1
            has = HasEvent(condition=EventNamed((one.event.event,)))
            for converted, count in (
                (True, one.success_count),
                (False, one.failure_count),
                (None, one.success_count + one.failure_count),
            ):
                who = CorrelationSelection(converted=converted, has=has)
                assert await behind(clickhouse, plan, who) == count, plan
    assert listed


async def test_properties_of_nobody_on_record_are_all_missing(clickhouse: ClickHouse) -> None:
    random = Random(5)
    world = make_world(random, 60)
    await store(clickhouse, 1, world.histories.items())
    plan = make_plan(random, world, 1, viz="steps")
    found = await told(clickhouse, plan, OfRecords(("plan",)))
    (missing,) = found.events
    assert missing.event.event == "plan::"
    who = CorrelationSelection(converted=True, has=HasRecord((("plan", ("",)),)))
    assert await behind(clickhouse, plan, who) == missing.success_count


def test_the_p_value_is_fishers_and_goes_over_into_its_limit() -> None:
    # R: fisher.test(matrix(c(8, 2, 1, 9), 2))$p.value
    assert p_value(8, 2, 1, 9) == pytest.approx(0.005477494641581328)
    assert p_value(5, 5, 5, 5) == pytest.approx(1)
    # R: prop.test(c(5200, 5000), c(10000, 10000), correct = FALSE)$p.value
    assert p_value(5200, 4800, 5000, 5000) == pytest.approx(0.00466, rel=0.01)


def test_a_chain_is_read_from_the_clicked_element_up() -> None:
    chain = (
        'a.link.btn:attr_id="go"href="/a;b"nth-child="2"text="Say \\"hi\\""attr__data-x="1"'
        ';div:nth-of-type="1"'
    )
    assert read_chain(chain) == [
        Element(
            order=0,
            tag_name="a",
            attr_class=["link", "btn"],
            attr_id="go",
            href="/a;b",
            nth_child=2,
            text='Say "hi"',
            attributes={"attr__data-x": "1"},
        ),
        Element(order=1, tag_name="div", nth_of_type=1),
    ]
    assert read_chain("") == []


def test_actions_lend_their_names_too() -> None:
    random = Random(1)
    plan = make_plan(random, make_world(random, 1), 1, viz="steps")
    assert own_names(msgspec.structs.replace(plan, steps=())) == ()
