"""Dates of requests, relative and absolute, in a project's zone (insights-api.md, Dates).

Pure: the clock is a value. Answers are UTC, whole microseconds.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from contracts.queries.errors import invalid_input

DEFAULT_FROM = "-7d"
_RELATIVE = re.compile(
    r"(?=.*\d|.*[SE])-?(?P<number>\d{1,6})?(?P<unit>[smhdwMqy])(?P<edge>Start|End)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_LAST = time(23, 59, 59, 999999)
_MONTHS = {"m": 1, "q": 3, "y": 12}


class Calendar(msgspec.Struct, frozen=True):
    """The calendar that dates are counted by. now: UTC. first_event_at: the beginning of "all"."""

    now: datetime
    timezone: str = "UTC"
    week_starts_monday: bool = False
    first_event_at: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def date_range(
    date_from: str | None, date_to: str | None, calendar: Calendar, *, explicit: bool = False
) -> tuple[datetime, datetime]:
    """Both ends inclusive. Missing: seven days ago, and now.

    explicit: bounds as given, not widened to whole days. Raises InvalidQuery naming the field.
    """
    start = lower(date_from or DEFAULT_FROM, calendar, explicit=explicit, attr="date_from")
    end = calendar.now
    if date_to:
        end = upper(date_to, calendar, explicit=explicit, attr="date_to")
    return start, end


def is_until_now(date_to: str | None) -> bool:
    """Whether a range goes on to the present moment: "now" says the same as nothing."""
    return not date_to or date_to == "now"


def lower(
    sent: str, calendar: Calendar, *, explicit: bool = False, attr: str = "date_from"
) -> datetime:
    """The first instant of what is meant: days from their start, hours and less exactly."""
    if sent == "all":
        return calendar.first_event_at or lower(DEFAULT_FROM, calendar)
    if sent == "now":
        return calendar.now
    return _instant(sent, calendar, explicit, attr, last=False)


def upper(
    sent: str, calendar: Calendar, *, explicit: bool = False, attr: str = "date_to"
) -> datetime:
    """The last instant of what is meant: a day to its last microsecond."""
    if sent in ("all", "now"):
        return calendar.now
    return _instant(sent, calendar, explicit, attr, last=True)


def ago(sent: str, calendar: Calendar) -> datetime | None:
    """A relative value counted back from now exactly, as property filters want it; else None."""
    found = _RELATIVE.fullmatch(sent)
    if found is None or found["edge"] or not found["number"]:
        return None
    try:
        return clamped(_back(calendar.now, int(found["number"]), found["unit"], calendar.zone))
    except (ValueError, OverflowError):
        return None


def instant(sent: str, zone: ZoneInfo, *, last: bool = False) -> datetime | None:
    """An ISO date or date-time, in `zone` unless it names an offset; else None.

    Of a date its start, or with `last` its last microsecond.
    """
    try:
        if _DAY.fullmatch(sent):
            day = date.fromisoformat(sent)
            at = datetime.combine(day, _LAST if last else time(), zone)
            return clamped(at.replace(fold=int(last)))
        if _TIME.fullmatch(sent):
            at = datetime.fromisoformat(sent.replace(" ", "T", 1).replace(" ", ""))
            return clamped(at if at.tzinfo is not None else at.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None
    return None


def shifted(at: datetime, sent: str, calendar: Calendar) -> datetime:
    """`at`, earlier by a relative value (-1w); days and more by the calendar.

    Raises InvalidQuery for anything else.
    """
    found = _RELATIVE.fullmatch(sent)
    if found is None or found["edge"]:
        detail = f"'{sent[:100]}' is not a period that can be read."
        raise invalid_input("compareFilter__compare_to", detail)
    try:
        return clamped(_back(at, int(found["number"]), found["unit"], calendar.zone))
    except (ValueError, OverflowError):
        return _EARLIEST


def just_before(
    date_from: datetime, date_to: datetime, calendar: Calendar
) -> tuple[datetime, datetime]:
    """The range of equal length before this one; a day counts as one when it has 23 or 25 hours."""
    zone, least = calendar.zone, timedelta(microseconds=1)
    since, until = date_from.astimezone(zone), date_to.astimezone(zone)
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if midnight.astimezone(UTC) == date_from:
        since = midnight  # also where clocks are put forward then, and it is 1 o'clock at once
    # Of one zone, so by its clock.
    return clamped((since - (until - since) - least).astimezone(UTC)), clamped(date_from - least)


def _instant(sent: str, calendar: Calendar, explicit: bool, attr: str, *, last: bool) -> datetime:
    relative = _RELATIVE.fullmatch(sent)
    try:
        if relative is not None:
            return clamped(_relative(relative, calendar, explicit, last))
    except (ValueError, OverflowError):
        return _EARLIEST
    found = instant(sent, calendar.zone, last=last and not explicit)
    if found is None:
        raise invalid_input(attr, f"'{sent[:100]}' is not a date that can be read.")
    return found


def _relative(found: "re.Match[str]", calendar: Calendar, explicit: bool, last: bool) -> datetime:
    number, unit, edge = int(found["number"] or 0), found["unit"], found["edge"]
    at = _back(calendar.now, number, unit, calendar.zone)
    if edge == "Start":
        return _start_of_period(at, unit, calendar)
    if edge == "End":
        following = _start_of_period(
            _back(calendar.now, number - 1, unit, calendar.zone), unit, calendar
        )
        return following - timedelta(microseconds=1)
    if explicit or unit in ("s", "M", "h"):
        return at
    day = at.astimezone(calendar.zone).date()
    return _end_of(day, calendar.zone) if last else _start_of(day, calendar.zone)


def _back(at: datetime, number: int, unit: str, zone: ZoneInfo) -> datetime:
    """`number` units earlier: hours and less as absolute time, days and more by the calendar."""
    local = at.astimezone(zone)
    match unit:
        case "s":
            return at - timedelta(seconds=number)
        case "M":
            return at - timedelta(minutes=number)
        case "h":
            return at - timedelta(hours=number)
        case "d" | "w":
            return (local - timedelta(days=number * (7 if unit == "w" else 1))).astimezone(UTC)
        case _:
            return _months_back(local, number * _MONTHS[unit]).astimezone(UTC)


def _months_back(at: datetime, months: int) -> datetime:
    """The same day of an earlier month, or that month's last."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    first = at.replace(year=year, month=month + 1, day=1)
    return first.replace(day=min(at.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def _start_of_period(at: datetime, unit: str, calendar: Calendar) -> datetime:
    local = at.astimezone(calendar.zone)
    day = local.date()
    match unit:
        case "s":
            return at.replace(microsecond=0)
        case "M":
            return at.replace(second=0, microsecond=0)
        case "h":
            return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        case "w":
            first = 0 if calendar.week_starts_monday else 6
            day -= timedelta(days=(day.weekday() - first) % 7)
        case "m":
            day = day.replace(day=1)
        case "q":
            day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "y":
            day = day.replace(month=1, day=1)
        case _:
            pass
    return _start_of(day, calendar.zone)


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond; where the clock repeats it, the later one."""
    return datetime.combine(day, _LAST, zone).replace(fold=1).astimezone(UTC)


def clamped(at: datetime) -> datetime:
    """In UTC, within what the engine can hold (the first and last years overflow in some zones)."""
    if at.year < _EARLIEST.year:
        return _EARLIEST
    if at.year > _LATEST.year:
        return _LATEST
    return min(max(at.astimezone(UTC), _EARLIEST), _LATEST)
