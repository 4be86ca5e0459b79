"""The periods of a trend in the project's zone, and their labels (funnels.md section 7)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from services.query.events.moments import microseconds
from services.query.events.periods import following, label, local_start
from services.query.insights.funnels.plan import FunnelPlan, TrendView

HOUR = timedelta(hours=1)
MOST_POINTS = 500_000
"""So many periods of all values together: a number, a day and a label each, some 20 MB of JSON."""


class FunnelPeriod(msgspec.Struct, frozen=True):
    """start, end: UTC; the end is the next one's start. day, label: as the answer shows them."""

    start: datetime
    end: datetime
    day: str
    label: str


def count(plan: FunnelPlan, trend: TrendView) -> int:
    """The number of `periods`, without making them; 0 for a range that holds nothing.

    Where clocks change by half an hour, hours may be one more or less.
    """
    zone = ZoneInfo(plan.timezone)
    first, last = (
        _start(plan, trend, at.astimezone(zone)) for at in (plan.date_from, plan.date_to)
    )
    months = 12 * (last.year - first.year) + last.month - first.month
    days = (last.date() - first.date()).days
    hours = (last.astimezone(UTC) - first.astimezone(UTC)) // HOUR
    since = {"hour": hours, "day": days, "week": days // 7, "month": months}[trend.interval]
    return max(0, since + 1)


def periods(plan: FunnelPlan, trend: TrendView) -> list[FunnelPeriod]:
    """From the interval that holds date_from to the one that holds date_to.

    Thousands take a tenth of a second: make them once an answer, and not on the event loop.
    """
    zone = ZoneInfo(plan.timezone)
    found: list[FunnelPeriod] = []
    local = _start(plan, trend, plan.date_from.astimezone(zone))
    while local.astimezone(UTC) <= plan.date_to:
        end = _following(trend, local)
        found.append(
            FunnelPeriod(
                local.astimezone(UTC),
                end.astimezone(UTC),
                f"{local:%Y-%m-%d %H:%M:%S}" if trend.interval == "hour" else f"{local:%Y-%m-%d}",
                _label(plan, trend, local),
            )
        )
        local = end
    return found


def last_period(plan: FunnelPlan, trend: TrendView) -> tuple[str, ...]:
    """The last period, as text: two plans of one start that have it in common have the same
    periods, of the same names, and show the same ones.
    """
    zone = ZoneInfo(plan.timezone)
    ends = [plan.date_to]
    if trend.hide_incomplete:
        ends.append(plan.now - timedelta(seconds=plan.window_seconds))
    starts = [_start(plan, trend, at.astimezone(zone)) for at in ends]
    return (
        _label(plan, trend, starts[0]),
        *(start.astimezone(UTC).isoformat() for start in starts),
    )


def shown(plan: FunnelPlan, trend: TrendView, period: FunnelPeriod) -> bool:
    """Whether the answer has the period: a view may hide periods whose windows are still open."""
    ends_us = microseconds(period.end) + plan.window_seconds * 1_000_000
    return not trend.hide_incomplete or ends_us <= microseconds(plan.now)


def _start(plan: FunnelPlan, trend: TrendView, local: datetime) -> datetime:
    """The start of the interval that holds a local time."""
    return local_start(local, trend.interval, week_starts_monday=plan.week_starts_monday)


def _following(trend: TrendView, local: datetime) -> datetime:
    """The start of the next interval."""
    if trend.interval != "hour":
        return following(local, trend.interval)
    later = following(local, "hour")
    # Where clocks change by half an hour, the next full one is not an hour on.
    full = later.replace(minute=0)
    return full if full.astimezone(UTC) > local.astimezone(UTC) else full + HOUR


def _label(plan: FunnelPlan, trend: TrendView, start: datetime) -> str:
    zone = ZoneInfo(plan.timezone)
    since, until = plan.date_from.astimezone(zone), plan.date_to.astimezone(zone)
    return label(start, trend.interval, since, until)
