"""How large a trend may be, told from the query alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TrendView
from tests.services.query.insights.funnels.asking import plan


def hours(count: int, **query: Any) -> FunnelPlan:
    """A trend of so many hours."""
    since = datetime(2024, 1, 1, tzinfo=UTC)
    last = since + timedelta(hours=count) - timedelta(microseconds=1)
    dates = {"date_from": since.isoformat(), "date_to": last.isoformat(), "explicitDate": True}
    return plan(
        interval="hour", dateRange=dates, funnelsFilter={"funnelVizType": "trends"}, **query
    )


def test_a_trend_of_more_than_ten_thousand_periods_is_refused() -> None:
    assert hours(10_000).view == TrendView(from_step=1, to_step=3, interval="hour")
    with pytest.raises(InvalidQuery) as refused:
        hours(10_001)
    assert refused.value.attr == "interval"
    assert "10,001" in refused.value.detail


def test_a_trend_of_too_many_values_and_periods_together_is_refused() -> None:
    def broken_down(count: int, limit: int | None) -> FunnelPlan:
        breakdown = {"breakdown": "plan", "breakdown_limit": limit}
        return hours(count, breakdownFilter=breakdown)

    assert broken_down(10_000, None).breakdown is not None
    assert broken_down(5_000, 100).breakdown is not None
    with pytest.raises(InvalidQuery) as refused:
        broken_down(5_001, 100)
    assert refused.value.attr == "breakdownFilter__breakdown_limit"


def test_steps_of_decades_are_no_trend() -> None:
    dates = {"date_from": "1980-01-01", "date_to": "2024-01-01"}
    assert plan(interval="hour", dateRange=dates).view == StepsView()
