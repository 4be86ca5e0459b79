"""The people are the number: of every point that the engine counts, it lists as many.

Random cases of few points; how people are told apart has its differential tests.
"""

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.trends import TrendsQuery
from services.common.clickhouse import ClickHouse
from services.query.insights.lifecycle import compute as lifecycle_compute
from services.query.insights.lifecycle import pointing as lifecycle_pointing
from services.query.insights.lifecycle import statement as lifecycle_statement
from services.query.insights.lifecycle.plan import STATUSES
from services.query.insights.stickiness import compute as stickiness_compute
from services.query.insights.stickiness import pointing as stickiness_pointing
from services.query.insights.stickiness import statement as stickiness_statement
from services.query.insights.trends import compute as trends_compute
from services.query.insights.trends.plan import ActiveActors, Actors, Boxes, OneValue, Total
from services.query.insights.trends.pointing import Pointed, pointed
from tests.trends.cases import (
    Case,
    make_case,
    make_lifecycle,
    make_stickiness,
    make_trends,
)
from tests.trends.differences import EVERYBODY, listed, told, trend_people
from tests.trends.engine import store

pytestmark = pytest.mark.anyio

WORLDS, MOST_POINTS = 8, 6


async def cases(
    clickhouse: ClickHouse, name: str, plans: int
) -> AsyncIterator[tuple[Random, Case]]:
    """plans: so many of each world."""
    for team_id in range(1, WORLDS + 1):
        random = Random(f"{name} {team_id}")
        case = make_case(random, team_id)
        await store(clickhouse, team_id, case.world)
        for _ in range(plans):
            yield random, case


async def test_of_trends(clickhouse: ClickHouse) -> None:
    """Totals are the sum of the people's events, other numbers the people themselves."""
    looked = 0
    async for random, case in cases(clickhouse, "trends", plans=20):
        plan, has_overrides = make_trends(random, case), bool(case.world.merged)
        if isinstance(plan.shape, Boxes) or plan.formulas or plan.span.points > MOST_POINTS:
            continue
        answer = await trends_compute.compute(clickhouse, plan, has_overrides=has_overrides)
        for row in told(answer.results):
            number = pointed(plan, row_of(row))
            if number.series is None or not is_plain(number):
                continue
            for place, value in numbers_of(plan, row, number):
                point = None if isinstance(plan.shape, OneValue) else place
                of_point = Pointed(
                    series=number.series, side=number.side, point=point, row=number.row
                )
                found = await trend_people(clickhouse, plan, of_point, has_overrides=has_overrides)
                is_total = isinstance(number.series.math, Total)
                expected = sum(events for _, events in found) if is_total else len(found)
                assert value == expected, (plan, of_point)
                looked += 1
    assert looked > 20


def row_of(row: Any) -> InsightActorsQuery:
    value = row.get("breakdown_value")
    return InsightActorsQuery(
        source=TrendsQuery(),
        series=row["order"],
        breakdown=tuple(value) if isinstance(value, list) else value,
        compare=row.get("compare_label"),
    )


def is_plain(number: Pointed) -> bool:
    series = number.series
    return (
        series is not None
        and isinstance(series.math, Total | Actors | ActiveActors)
        and series.multiplier is None
    )


def numbers_of(plan: Any, row: Any, number: Pointed) -> list[tuple[int, Any]]:
    """(index of the period, its own number) of one row; of running sums what each adds."""
    if isinstance(plan.shape, OneValue):
        return [(0, row["aggregated_value"])]
    if plan.shape.smoothing > 1:
        return []
    span = plan.previous if number.side == "previous" else plan.span
    data = row["data"]
    is_new = number.series is not None and not isinstance(number.series.math, ActiveActors)
    if plan.shape.cumulative:
        if not is_new:
            return []
        data = [value - before for value, before in zip(data, [0, *data], strict=False)]
    return list(zip(span.shown, data, strict=True))


async def test_of_stickiness(clickhouse: ClickHouse) -> None:
    looked = 0
    async for random, case in cases(clickhouse, "stickiness", plans=4):
        plan, has_overrides = make_stickiness(random, case), bool(case.world.merged)
        if len(plan.current.intervals) > MOST_POINTS:
            continue
        rows = await stickiness_compute.compute(clickhouse, plan, has_overrides=has_overrides)
        for row in rows:
            series = next(one for one in plan.series if one.place == row.order)
            for k, number in zip(row.days, row.data, strict=True):
                of_point = stickiness_pointing.Pointed(
                    series=series,
                    side=row.compare_label or "current",
                    intervals=k,
                    operator="gte" if plan.cumulative else "exact",
                )
                statement = stickiness_statement.compile_people(
                    plan, of_point, has_overrides=has_overrides, limit=EVERYBODY, offset=0
                )
                assert len(await listed(clickhouse, statement)) == number, (plan, of_point)
                looked += number > 0
    assert looked > 5


async def test_of_lifecycles(clickhouse: ClickHouse) -> None:
    looked = 0
    async for random, case in cases(clickhouse, "lifecycle", plans=3):
        plan, has_overrides = make_lifecycle(random, case), bool(case.world.merged)
        if plan.span.points > MOST_POINTS:
            continue
        rows = await lifecycle_compute.compute(clickhouse, plan, has_overrides=has_overrides)
        for status, row in zip(STATUSES, rows, strict=False):
            for point, number in zip(plan.span.shown, row.data, strict=True):
                if number == 0 and random.random() < 0.8:
                    continue
                of_point = lifecycle_pointing.Pointed(point, status)
                statement = lifecycle_statement.compile_people(
                    plan, of_point, has_overrides=has_overrides, limit=EVERYBODY, offset=0
                )
                assert len(await listed(clickhouse, statement)) == abs(number), (plan, of_point)
                looked += number != 0
    assert looked > 5
