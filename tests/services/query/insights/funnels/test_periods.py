"""Periods of trends: how many there are, and where they are made."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels import compute as computing
from services.query.insights.funnels import periods as periods_module
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.periods import FunnelPeriod, count, periods
from services.query.insights.funnels.plan import EachValue, FunnelPlan, Interval, TrendView
from services.query.insights.funnels.statement import trends
from tests.funnels.stories import BY_PROPERTY, funnel


def trend(
    interval: Interval, date_from: datetime, date_to: datetime, zone: str
) -> tuple[FunnelPlan, TrendView]:
    view = TrendView(from_step=1, to_step=2, interval=interval)
    plan = funnel("A B", view=view, timezone=zone, date_from=date_from, date_to=date_to)
    return plan, view


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"])
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("monday", [False, True])
def test_periods_are_counted_without_being_made(
    interval: Interval, zone: str, monday: bool
) -> None:
    start = datetime(2018, 2, 26, 22, 30, tzinfo=UTC)
    for hours in (0, 1, 5, 24, 167, 24 * 40, 24 * 300, 24 * 412):
        plan, view = trend(interval, start, start + timedelta(hours=hours), zone)
        plan = msgspec.structs.replace(plan, week_starts_monday=monday)
        assert count(plan, view) == len(periods(plan, view))


def test_a_range_that_ends_before_it_begins_has_no_period() -> None:
    start = datetime(2024, 1, 5, tzinfo=UTC)
    backwards = trend("day", start, start - timedelta(days=3), "UTC")
    assert (count(*backwards), periods(*backwards)) == (0, [])


@pytest.mark.anyio
async def test_periods_are_made_once_an_answer_and_never_on_the_event_loop(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def noted(plan: FunnelPlan, view: TrendView) -> list[FunnelPeriod]:
        made.append(threading.get_ident())
        return periods_module.periods(plan, view)

    monkeypatch.setattr(computing, "periods", noted)
    monkeypatch.setattr(trends, "periods", noted)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    plan, _ = trend("hour", start, start + timedelta(days=3), "UTC")
    by_value = msgspec.structs.replace(BY_PROPERTY, attribution=EachValue())
    plan = msgspec.structs.replace(plan, breakdown=by_value)
    await compute(clickhouse, plan, has_overrides=False, pending=True)
    assert len(made) == 1
    assert threading.get_ident() not in made
