"""The range of a query and the periods that cut it, in the project's zone (trends.md section 6).

Pure: the clock is a value. Days, weeks and months go by the project's calendar, so that a day may
have 23 or 25 hours; hours and less are absolute steps from the first one.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import invalid_input
from contracts.times import MICROSECOND
from services.query.events.dates import (
    DEFAULT_FROM,
    Calendar,
    clamped,
    date_range,
    is_until_now,
    lower,
    upper,
)

Interval = Literal["second", "minute", "hour", "day", "week", "month"]
MOST_PERIODS = 10_000

_STEPS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}
_IN_HOURS = re.compile(r"-?\d*h(Start|End)?", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Period(msgspec.Struct, frozen=True):
    """start: the first instant, UTC. end: the first instant after it."""

    start: datetime
    end: datetime


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A range of time, cut into periods.

    date_from, date_to: both inclusive, UTC: an event outside does not count, although the first
        and the last period may reach further.
    periods: one after the other without a gap, the first holding date_from, the last date_to;
        none when the range ends before it begins.
    shown: indexes of the periods that have a point, ascending: all but the days of the week that
        do not count.
    """

    date_from: datetime
    date_to: datetime
    periods: tuple[Period, ...]
    shown: tuple[int, ...]
    interval: Interval
    timezone: str
    week_starts_monday: bool

    @property
    def points(self) -> int:
        """The number of points in a row."""
        return len(self.shown)


def span_of(asked: PeriodRange | None, interval: Interval, calendar: Calendar) -> Span:
    """The range that a query asks for. Raises InvalidQuery naming the field."""
    sent = asked or PeriodRange()
    date_from, date_to = bounds(sent, interval, calendar)
    span = cut(date_from, date_to, interval, calendar, sent.daysOfWeek or ())
    return complete(span, calendar) if sent.excludeIncompletePeriods else span


def bounds(sent: PeriodRange, interval: Interval, calendar: Calendar) -> tuple[datetime, datetime]:
    """Both ends, inclusive: as they were given when explicit, else widened to what they name."""
    if sent.explicitDate:
        return date_range(sent.date_from, sent.date_to, calendar, explicit=True)
    first = _first(sent.date_from, interval, calendar)
    return clamped(first), clamped(_last(sent.date_to, interval, calendar))


def _first(sent: str | None, interval: Interval, calendar: Calendar) -> datetime:
    """The start of its minute, hour, day or month. Of a week the day is kept."""
    at = lower(sent or DEFAULT_FROM, calendar)
    if sent and _IN_HOURS.fullmatch(sent):
        # PostHog: cuts the first day, week or month at that hour.
        return start_of(at, "hour", calendar)
    return start_of(at, "day" if interval == "week" else interval, calendar)


def _last(sent: str | None, interval: Interval, calendar: Calendar) -> datetime:
    """Absent: the whole present hour, minute or second, else day. Longer periods end with a day."""
    if interval in _STEPS:
        if sent is None or is_until_now(sent) or sent == "all":
            return start_of(calendar.now, interval, calendar) + _STEPS[interval] - MICROSECOND
        return upper(sent, calendar)
    at = upper(sent, calendar) if sent else calendar.now
    midnight = _local_start(at, "day", calendar)
    return following(midnight, "day").astimezone(UTC) - MICROSECOND


def cut(
    date_from: datetime,
    date_to: datetime,
    interval: Interval,
    calendar: Calendar,
    days_of_week: Iterable[int] = (),
) -> Span:
    """A range in its periods. days_of_week: ISO days that count; none: all of them.

    Raises InvalidQuery for more than `MOST_PERIODS`.
    """
    periods: list[Period] = []
    if date_from <= date_to:
        local = _local_start(date_from, interval, calendar)
        while (start := local.astimezone(UTC)) <= date_to:
            if len(periods) == MOST_PERIODS:
                raise _too_many()
            local = following(local, interval)
            end = local.astimezone(UTC)
            # A day that the zone skipped altogether is none.
            if end > start:
                periods.append(Period(start, end))
    counted = frozenset(days_of_week) if interval == "day" else frozenset()
    return Span(
        date_from=date_from,
        date_to=date_to,
        periods=tuple(periods),
        shown=tuple(
            index
            for index, period in enumerate(periods)
            if not counted or period.start.astimezone(calendar.zone).isoweekday() in counted
        ),
        interval=interval,
        timezone=calendar.timezone,
        week_starts_monday=calendar.week_starts_monday,
    )


def complete(span: Span, calendar: Calendar) -> Span:
    """Without a first period that date_from cuts, and without the one still running and later ones.

    Empty, from after to, if nothing is left.
    """
    kept = [index for index, period in enumerate(span.periods) if period.end <= calendar.now]
    if kept and span.periods[kept[0]].start < span.date_from:
        kept = kept[1:]
    if not kept:
        ended = span.date_from - MICROSECOND
        return msgspec.structs.replace(span, date_to=ended, periods=(), shown=())
    first, last = kept[0], kept[-1]
    return msgspec.structs.replace(
        span,
        date_from=max(span.date_from, span.periods[first].start),
        date_to=min(span.date_to, span.periods[last].end - MICROSECOND),
        periods=span.periods[first : last + 1],
        shown=tuple(index - first for index in span.shown if first <= index <= last),
    )


def incomplete(span: Span, now: datetime) -> list[int]:
    """Points, from 0, whose period the range cuts, or that has not ended yet."""
    return [
        point
        for point, index in enumerate(span.shown)
        if _is_cut(span.periods[index], span) or span.periods[index].end > now
    ]


def _is_cut(period: Period, span: Span) -> bool:
    return period.start < span.date_from or period.end - MICROSECOND > span.date_to


def _too_many() -> Exception:
    detail = (
        f"A range has at most {MOST_PERIODS:,} points, and this one more."
        " Choose a longer interval or a shorter date range."
    )
    return invalid_input("interval", detail)


# Starts of periods, by the project's clock


def start_of(at: datetime, interval: Interval, calendar: Calendar) -> datetime:
    """The first instant, UTC, of the period that holds `at`."""
    return _local_start(at, interval, calendar).astimezone(UTC)


def _local_start(at: datetime, interval: Interval, calendar: Calendar) -> datetime:
    local, monday = at.astimezone(calendar.zone), calendar.week_starts_monday
    return local_start(local, interval, week_starts_monday=monday)


def local_start(local: datetime, interval: Interval, *, week_starts_monday: bool) -> datetime:
    """The same for times with their zone."""
    match interval:
        case "second":
            return local.replace(microsecond=0)
        case "minute":
            return local.replace(second=0, microsecond=0)
        case "hour":
            return local.replace(minute=0, second=0, microsecond=0)
        case _:
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if interval == "week":
        since = midnight.weekday() if week_starts_monday else midnight.isoweekday() % 7
        return midnight - timedelta(days=since)
    return midnight.replace(day=1) if interval == "month" else midnight


def following(local: datetime, interval: Interval) -> datetime:
    """The start of the next period, after one that starts at `local` (a time with its zone)."""
    match interval:
        case "second" | "minute" | "hour":
            return (local.astimezone(UTC) + _STEPS[interval]).astimezone(local.tzinfo)
        case "day":
            return local + timedelta(days=1)
        case "week":
            return local + timedelta(days=7)
        case "month":
            return (local + timedelta(days=31)).replace(day=1)


# The names of points in rows


def days(span: Span) -> list[str]:
    """`2024-01-31`; of hours and less `2024-01-31 05:00:00`."""
    form = "%Y-%m-%d %H:%M:%S" if span.interval in _STEPS else "%Y-%m-%d"
    return [f"{local:{form}}" for local in _shown_starts(span)]


def moments(span: Span) -> list[str]:
    """ISO date-times of the starts, with the offset of the project's zone: Z for none."""
    return [local.isoformat().replace("+00:00", "Z") for local in _shown_starts(span)]


def labels(span: Span) -> list[str]:
    """`31-Jan-2024`, `31-Jan 05:00`, `Jan 2024`; of a week its days within the range."""
    zone = ZoneInfo(span.timezone)
    since, until = span.date_from.astimezone(zone), span.date_to.astimezone(zone)
    return [label(local, span.interval, since, until) for local in _shown_starts(span)]


def _shown_starts(span: Span) -> Iterable[datetime]:
    zone = ZoneInfo(span.timezone)
    return (span.periods[index].start.astimezone(zone) for index in span.shown)


def label(start: datetime, interval: Interval, since: datetime, until: datetime) -> str:
    """Of a period that begins at `start`. since, until: the range. All by the project's clock."""
    match interval:
        case "second":
            return f"{_short(start)} {start:%H:%M:%S}"
        case "minute" | "hour":
            return f"{_short(start)} {start:%H:%M}"
        case "day":
            return _long(start)
        case "week":
            return _days_between(max(start, since), min(start + timedelta(days=6), until))
        case "month":
            return f"{_MONTHS[start.month - 1]} {start.year}"


def _days_between(first: datetime, last: datetime) -> str:
    """`7–13 Jan`, `28-Jan – 3-Feb`, `29-Dec-2024 – 4-Jan-2025`; one day as a day."""
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
