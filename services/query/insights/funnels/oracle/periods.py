"""The trends result of many actors, with its periods and labels: funnels.md section 7."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from services.query.insights.funnels.oracle.attribution import lanes
from services.query.insights.funnels.oracle.people import Histories, window_open
from services.query.insights.funnels.oracle.seen import Value, microseconds, window_us
from services.query.insights.funnels.oracle.steps import scaled
from services.query.insights.funnels.oracle.trends import Cell, cells
from services.query.insights.funnels.plan import FunnelPlan, TrendView

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Trend(msgspec.Struct, frozen=True):
    """One value's line. entered, converted, pending: actors per period."""

    value: Value | None
    count: int
    data: tuple[float, ...]
    days: tuple[str, ...]
    labels: tuple[str, ...]
    entered: tuple[int, ...]
    converted: tuple[int, ...]
    pending: tuple[int, ...]


Actors = Mapping[str, Cell]
Periods = dict[int, dict[str, Cell]]


def trends(plan: FunnelPlan, view: TrendView, histories: Histories) -> list[Trend]:
    """One line, or one per breakdown value by rising value."""
    found = trend_cells(plan, view, histories)
    if plan.breakdown is None:
        return [_trend(plan, view, None, found.get(None, {}))]
    # "only the breakdown_limit values with most entrants, no Other (ties: higher value)"
    entrants = {v: sum(len(actors) for actors in periods.values()) for v, periods in found.items()}
    ranked = sorted(entrants, key=lambda v: (entrants[v], v or ()), reverse=True)
    kept = sorted(ranked[: plan.breakdown.limit], key=lambda v: v or ())
    return [_trend(plan, view, value, found[value]) for value in kept]


def trend_cells(
    plan: FunnelPlan, view: TrendView, histories: Histories
) -> dict[Value | None, Periods]:
    """Value -> period (from 0) -> actor -> its cell, where somebody entered."""
    starts = period_starts(plan, view)[:-1]
    begins = [microseconds(start) for start in starts]
    found: dict[Value | None, Periods] = defaultdict(lambda: defaultdict(dict))
    for actor, history in histories.items():
        for lane in lanes(plan, history):
            of_lane = cells(
                plan, view, lane.events, lambda us: bisect_right(begins, us) - 1, lane.wanted
            )
            for period, cell in of_lane.items():
                found[lane.value][period][actor] = cell
    return found


def _trend(plan: FunnelPlan, view: TrendView, value: Value | None, periods: Periods) -> Trend:
    starts = period_starts(plan, view)
    shown = [
        p
        for p, (_, end) in enumerate(pairwise(starts))
        # "periods whose end + W lies after now are left out"
        if not view.hide_incomplete or microseconds(end) + window_us(plan) <= microseconds(plan.now)
    ]
    entered = Counter({p: len(periods.get(p, {})) for p in shown})
    converted = Counter({p: sum(c.converted for c in periods.get(p, {}).values()) for p in shown})
    waiting = Counter(
        {
            p: sum(
                not c.converted and window_open(plan, c.newest_us)
                for c in periods.get(p, {}).values()
            )
            for p in shown
        }
    )
    return Trend(
        value=value,
        count=len(shown),
        # "100 × reached to / reached from, rounded to 2 places, 0 when none reached from"
        data=tuple(round(100 * converted[p] / entered[p], 2) if entered[p] else 0.0 for p in shown),
        days=tuple(_day(view, starts[p]) for p in shown),
        labels=tuple(_label(plan, view, starts[p], starts[p + 1]) for p in shown),
        entered=tuple(scaled(plan, entered[p]) for p in shown),
        converted=tuple(scaled(plan, converted[p]) for p in shown),
        pending=tuple(scaled(plan, waiting[p]) for p in shown),
    )


def period_starts(plan: FunnelPlan, view: TrendView) -> list[datetime]:
    """Starts of the periods in the project's zone, and the end of the last.

    "start of the interval containing date_from up to the one containing date_to, in the project's
    zone; weeks start on the project's day (default Sunday)"
    """
    start = _start(plan, view, plan.date_from.astimezone(ZoneInfo(plan.timezone)))
    starts = [start]
    while starts[-1].astimezone(UTC) <= plan.date_to.astimezone(UTC):
        starts.append(_next(view, starts[-1]))
    return starts


def _start(plan: FunnelPlan, view: TrendView, at: datetime) -> datetime:
    if view.interval == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match view.interval:
        case "day":
            return day
        case "week":
            since = day.weekday() if plan.week_starts_monday else (day.weekday() + 1) % 7
            return day - timedelta(days=since)
        case "month":
            return day.replace(day=1)


def _next(view: TrendView, start: datetime) -> datetime:
    """Days, weeks and months by the calendar of the zone, hours from one full hour to the next.

    An hour that the clock shows twice is two periods. Where clocks change by half an hour, the one
    before the change goes on in what is repeated, or the one after lacks what is left out.
    """
    match view.interval:
        case "hour":
            later = (start.astimezone(UTC) + timedelta(hours=1)).astimezone(start.tzinfo)
            full = later.replace(minute=0)
            if full.astimezone(UTC) <= start.astimezone(UTC):
                full += timedelta(hours=1)
            return full
        case "day":
            return start + timedelta(days=1)
        case "week":
            return start + timedelta(days=7)
        case "month":
            return (start + timedelta(days=31)).replace(day=1)


def _day(view: TrendView, start: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M:%S}" if view.interval == "hour" else f"{start:%Y-%m-%d}"


def _label(plan: FunnelPlan, view: TrendView, start: datetime, end: datetime) -> str:
    """Like `31-Jan-2024`, `31-Jan 05:00`, `Jan 2024`; a week's "days within the range"."""
    match view.interval:
        case "hour":
            return f"{start.day}-{MONTHS[start.month - 1]} {start:%H:%M}"
        case "day":
            return _full(start)
        case "month":
            return f"{MONTHS[start.month - 1]} {start.year}"
        case "week":
            zone = ZoneInfo(plan.timezone)
            first = max(start, plan.date_from.astimezone(zone))
            last = min(end - timedelta(days=1), plan.date_to.astimezone(zone))
            return _days(first, last)


def _days(first: datetime, last: datetime) -> str:
    """`7–13 Jan`, `28-Jan – 3-Feb`, `29-Dec-2024 – 4-Jan-2025`, one day as day."""
    if first.date() == last.date():
        return _full(first)
    if first.year != last.year:
        return f"{_full(first)} – {_full(last)}"
    if first.month != last.month:
        return f"{_short(first)} – {_short(last)}"
    return f"{first.day}–{last.day} {MONTHS[first.month - 1]}"


def _short(day: datetime) -> str:
    return f"{day.day}-{MONTHS[day.month - 1]}"


def _full(day: datetime) -> str:
    return f"{_short(day)}-{day.year}"
