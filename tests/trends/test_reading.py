"""What the references read of an event is what the engine reads: conditions, values and actors."""

from random import Random

import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.conditions import AnyCondition
from services.query.events.source import Source
from services.query.insights.trends.plan import ByProperty, TrendsPlan
from tests.trends.cases import Case, make_case, make_trends, reading_of
from tests.trends.engine import store

pytestmark = pytest.mark.anyio

CASES = 12
PLANS = 12
ACTORS: tuple[AnyActor, ...] = (
    PersonActor(), GroupActor(0), GroupActor(1), ExpressionActor("properties.x"),
)  # fmt: skip


async def test_conditions_values_and_actors_are_read_alike(clickhouse: ClickHouse) -> None:
    for team_id in range(1, CASES + 1):
        random = Random(f"reading {team_id}")
        case = make_case(random, team_id)
        if not case.world.events:
            continue
        await store(clickhouse, team_id, case.world)
        for _ in range(PLANS):
            plan = make_trends(random, case)
            assert await read(clickhouse, case, plan) == expected(case, plan), (team_id, plan)


def asked(plan: TrendsPlan) -> list[AnyCondition]:
    found = [plan.filters]
    for series in plan.series:
        found += [series.entity.matches, series.entity.entity]
    return found


def expected(case: Case, plan: TrendsPlan) -> list[tuple[object, ...]]:
    reading = reading_of(case, plan)
    keys = plan.breakdown.keys if isinstance(plan.breakdown, ByProperty) else ()
    return sorted(
        (
            str(event.uuid),
            *(int(reading.passes(condition, event)) for condition in asked(plan)),
            *(reading.key_text(key.read, event) or "" for key in keys),
            *(reading.actor(actor, event) or "" for actor in ACTORS),
        )
        for event in case.world.events
    )


async def read(clickhouse: ClickHouse, case: Case, plan: TrendsPlan) -> list[tuple[object, ...]]:
    bindings = Bindings()
    source = Source(
        plan.team_id,
        bindings,
        has_overrides=bool(case.world.merged),
        timezone=case.facts.timezone,
        cohorts=dict(plan.cohorts),
    )
    keys = plan.breakdown.keys if isinstance(plan.breakdown, ByProperty) else ()
    columns = [
        "toString(e.uuid)",
        *(f"toUInt8({source.condition(condition)})" for condition in asked(plan)),
        *(source.key_text(key.read) for key in keys),
        *(f"toString({source.actor(actor)})" for actor in ACTORS),
    ]
    text = f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {source.scope()}"
    return sorted(await clickhouse.query(Statement(text, bindings.values)))
