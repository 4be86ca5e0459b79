"""Sums of times that 64 bits do not hold: 3,200 conversions of a hundred years."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.api.funnels import TimeToConvert
from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.compute import compute, routed
from services.query.insights.funnels.plan import FunnelPlan
from tests.funnels.engine import store
from tests.funnels.stories import BY_PROPERTY, END, Event, funnel

pytestmark = pytest.mark.anyio

CENTURY_US = 36_373 * 86_400 * 1_000_000
TIMES_US = [CENTURY_US - 7 * person for person in range(3_201)]
AVERAGE = sum(TIMES_US) / len(TIMES_US) / 1_000_000
MEDIAN = median(TIMES_US) / 1_000_000
NAMES = ("A", "B", "AB")


@pytest.fixture
async def engine(clickhouse: ClickHouse) -> ClickHouse:
    assert sum(TIMES_US) > 2**63
    histories = [
        (
            UUID(int=person + 1),
            (
                Event("A", 0, UUID(int=2 * person + 1), ("x",)),
                Event("B", took, UUID(int=2 * person + 2), ("x",)),
            ),
        )
        for person, took in enumerate(TIMES_US)
    ]
    await store(clickhouse, 1, histories)
    return clickhouse


def asked(*names: str, **rules: Any) -> FunnelPlan:
    end = END + timedelta(days=36_500)
    window = 100 * 366 * 86_400
    return funnel("A B", names=names, window=window, date_to=end, now=end, **rules)


def second(rows: Any) -> Sequence[Any]:
    return rows[1].count, rows[1].average_conversion_time, rows[1].median_conversion_time


@pytest.mark.parametrize("names", [("A", "B"), NAMES])
async def test_the_average_of_steps(engine: ClickHouse, names: tuple[str, ...]) -> None:
    plan = asked(*names)
    assert routed(plan) == (names == NAMES)
    answer = await compute(engine, plan, has_overrides=False)
    assert second(answer.results) == (len(TIMES_US), AVERAGE, MEDIAN)
    assert answer.total_median_conversion_time == MEDIAN


async def test_the_average_of_a_row_of_a_breakdown_and_of_merged_rows(engine: ClickHouse) -> None:
    plan = asked("A", "B", breakdown=BY_PROPERTY)
    (rows,) = (await compute(engine, plan, has_overrides=False)).results  # type: ignore[misc]  # a list of lists
    assert second(rows) == (len(TIMES_US), AVERAGE, MEDIAN)


async def test_the_average_time_to_convert_of_both_sides(engine: ClickHouse) -> None:
    plan = asked("A", "B", viz="time_to_convert")
    alone = (await compute(engine, plan, has_overrides=False)).results
    assert isinstance(alone, TimeToConvert)
    both = await compute(engine, plan, has_overrides=False, previous=plan)
    for side in [alone, *msgspec.convert(both.results, list[TimeToConvert])]:
        assert (side.average_conversion_time, side.median_conversion_time) == (AVERAGE, MEDIAN)
        assert sum(count for _, count in side.bins) == len(TIMES_US)
