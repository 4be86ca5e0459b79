"""The periods of a trend in the project's zone, and their labels (funnels.md section 7)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from services.query.events.moments import microseconds
from services.query.insights.funnels.plan import FunnelPlan, TrendView

HOUR = timedelta(hours=1)
MOST_PERIODS = 10_000
MOST_POINTS = 500_000
"""So many periods of all values together: a number, a day and a label each, some 20 MB of JSON."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Period(msgspec.Struct, frozen=True):
    """start, end: UTC; the end is the next one's start. day, label: as the answer shows them."""

    start: datetime
    end: datetime
    day: str
    label: str


def count(plan: FunnelPlan, trend: TrendView) -> int:
    """How many `periods` there are, without making them; none of a range that holds nothing.

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


def periods(plan: FunnelPlan, trend: TrendView) -> list[Period]:
    """From the interval that holds date_from to the one that holds date_to.

    Thousands take a tenth of a second: make them once an answer, and not on the event loop.
    """
    zone = ZoneInfo(plan.timezone)
    found: list[Period] = []
    local = _start(plan, trend, plan.date_from.astimezone(zone))
    while local.astimezone(UTC) <= plan.date_to:
        following = _following(trend, local)
        found.append(
            Period(
                local.astimezone(UTC),
                following.astimezone(UTC),
                f"{local:%Y-%m-%d %H:%M:%S}" if trend.interval == "hour" else f"{local:%Y-%m-%d}",
                _label(plan, trend, local, following),
            )
        )
        local = following
    return found


def last_period(plan: FunnelPlan, trend: TrendView) -> tuple[str, ...]:
    """What tells whether two plans of one start have the same periods, of the same names, and show
    the same ones.
    """
    zone = ZoneInfo(plan.timezone)
    ends = [plan.date_to]
    if trend.hide_incomplete:
        ends.append(plan.now - timedelta(seconds=plan.window_seconds))
    starts = [_start(plan, trend, at.astimezone(zone)) for at in ends]
    label = _label(plan, trend, starts[0], _following(trend, starts[0]))
    return (label, *(start.astimezone(UTC).isoformat() for start in starts))


def shown(plan: FunnelPlan, trend: TrendView, period: Period) -> bool:
    """Whether the answer has the period: windows that are still open may be asked to be hidden."""
    ends_us = microseconds(period.end) + plan.window_seconds * 1_000_000
    return not trend.hide_incomplete or ends_us <= microseconds(plan.now)


def _start(plan: FunnelPlan, trend: TrendView, local: datetime) -> datetime:
    """The start of the interval that holds a local time."""
    if trend.interval == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if trend.interval == "week":
        weekday = midnight.weekday() if plan.week_starts_monday else midnight.isoweekday() % 7
        return midnight - timedelta(days=weekday)
    return midnight.replace(day=1) if trend.interval == "month" else midnight


def _following(trend: TrendView, local: datetime) -> datetime:
    """The start of the next interval: hours go by the clock, the others by the calendar."""
    match trend.interval:
        case "hour":
            later = (local.astimezone(UTC) + HOUR).astimezone(local.tzinfo)
            # Where clocks change by half an hour, the next full one is not an hour on.
            full = later.replace(minute=0)
            return full if full.astimezone(UTC) > local.astimezone(UTC) else full + HOUR
        case "day":
            return local + timedelta(days=1)
        case "week":
            return local + timedelta(days=7)
        case "month":
            return (local + timedelta(days=31)).replace(day=1)


def _label(plan: FunnelPlan, trend: TrendView, start: datetime, following: datetime) -> str:
    match trend.interval:
        case "hour":
            return f"{_short(start)} {start:%H:%M}"
        case "day":
            return _long(start)
        case "month":
            return f"{_MONTHS[start.month - 1]} {start.year}"
        case "week":
            zone = ZoneInfo(plan.timezone)
            first = max(start, plan.date_from.astimezone(zone))
            last = min(following - timedelta(days=1), plan.date_to.astimezone(zone))
            return _span(first, last)


def _span(first: datetime, last: datetime) -> str:
    """The days of a week that lie in the range, as short as they can be told."""
    if first.date() == last.date():
        return _long(first)
    if first.year != last.year:
        return f"{_long(first)} – {_long(last)}"
    if first.month != last.month:
        return f"{_short(first)} – {_short(last)}"
    return f"{first.day}–{last.day} {_MONTHS[first.month - 1]}"


def _short(day: datetime) -> str:
    return f"{day.day}-{_MONTHS[day.month - 1]}"


def _long(day: datetime) -> str:
    return f"{_short(day)}-{day.year}"
