"""Periods of trends: how many there are, and where they are made."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.events.breakdown import Breakdown
from services.query.insights.funnels import compute as computing
from services.query.insights.funnels import periods as periods_module
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.periods import Period, count, periods
from services.query.insights.funnels.plan import FunnelPlan, Interval
from services.query.insights.funnels.statement import trends
from tests.funnels.stories import funnel


def trend(interval: Interval, date_from: datetime, date_to: datetime, zone: str) -> FunnelPlan:
    return funnel(
        "A B",
        viz="trends",
        interval=interval,
        timezone=zone,
        date_from=date_from,
        date_to=date_to,
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"])
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("monday", [False, True])
def test_periods_are_counted_without_being_made(
    interval: Interval, zone: str, monday: bool
) -> None:
    start = datetime(2018, 2, 26, 22, 30, tzinfo=UTC)
    for hours in (0, 1, 5, 24, 167, 24 * 40, 24 * 300, 24 * 412):
        plan = trend(interval, start, start + timedelta(hours=hours), zone)
        plan = msgspec.structs.replace(plan, week_starts_monday=monday)
        assert count(plan) == len(periods(plan))


def test_a_range_that_ends_before_it_begins_has_no_period() -> None:
    start = datetime(2024, 1, 5, tzinfo=UTC)
    plan = trend("day", start, start - timedelta(days=3), "UTC")
    assert (count(plan), periods(plan)) == (0, [])


@pytest.mark.anyio
async def test_periods_are_made_once_an_answer_and_never_on_the_event_loop(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def noted(plan: FunnelPlan) -> list[Period]:
        made.append(threading.get_ident())
        return periods_module.periods(plan)

    monkeypatch.setattr(computing, "periods", noted)
    monkeypatch.setattr(trends, "periods", noted)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    plan = trend("hour", start, start + timedelta(days=3), "UTC")
    plan = msgspec.structs.replace(
        plan, breakdown=Breakdown(type="event", keys=("plan",), attribution="all_events")
    )
    await compute(clickhouse, plan, has_overrides=False, pending=True)
    assert len(made) == 1
    assert threading.get_ident() not in made
