"""Where an event lies in a range, and what its points are called: trends.md sections 5 and 6."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.query.events.oracle.world import Event
from services.query.events.periods import Span

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def in_range(span: Span, event: Event) -> bool:
    return span.date_from <= event.at <= span.date_to


def period_of(span: Span, at: datetime) -> int | None:
    """An event "exactly at the end of a period belongs to the next"."""
    for index, period in enumerate(span.periods):
        if period.start <= at < period.end:
            return index
    return None


def _starts(span: Span) -> list[datetime]:
    """Of the points, by the project's clock."""
    return [span.periods[index].start.astimezone(ZoneInfo(span.timezone)) for index in span.shown]


def days(span: Span) -> list[str]:
    if span.interval in ("second", "minute", "hour"):
        return [start.strftime("%Y-%m-%d %H:%M:%S") for start in _starts(span)]
    return [start.date().isoformat() for start in _starts(span)]


def moments(span: Span) -> list[str]:
    """ISO date-times "of the periods with offset"; UTC's is Z."""
    return [start.isoformat().removesuffix("+00:00") + _z(start) for start in _starts(span)]


def _z(start: datetime) -> str:
    return "" if start.utcoffset() else "Z"


def labels(span: Span) -> list[str]:
    return [_label(span, start) for start in _starts(span)]


def _label(span: Span, start: datetime) -> str:
    day, month, year = start.day, MONTHS[start.month - 1], start.year
    match span.interval:
        case "second":
            return f"{day}-{month} {start:%H:%M:%S}"
        case "minute" | "hour":
            return f"{day}-{month} {start:%H:%M}"
        case "day":
            return f"{day}-{month}-{year}"
        case "month":
            return f"{month} {year}"
        case "week":
            return _week(span, start)


def _week(span: Span, start: datetime) -> str:
    """ "cut to the range" """
    zone = ZoneInfo(span.timezone)
    first, last = start.date(), start.date() + timedelta(days=6)
    first = max(first, span.date_from.astimezone(zone).date())
    last = min(last, span.date_to.astimezone(zone).date())
    if first == last:
        return f"{first.day}-{MONTHS[first.month - 1]}-{first.year}"
    if first.year < last.year:
        return (
            f"{first.day}-{MONTHS[first.month - 1]}-{first.year}"
            f" – {last.day}-{MONTHS[last.month - 1]}-{last.year}"
        )
    if first.month < last.month:
        return f"{first.day}-{MONTHS[first.month - 1]} – {last.day}-{MONTHS[last.month - 1]}"
    return f"{first.day}–{last.day} {MONTHS[first.month - 1]}"
