"""The range that a query is compared with (trends.md section 10)."""

import re
from datetime import UTC, datetime, timedelta

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import invalid_input
from contracts.queries.nodes import CompareFilter
from contracts.times import MICROSECOND
from services.query.events.dates import (
    Calendar,
    clamped,
    is_until_now,
    just_before,
    lower,
    shifted,
)
from services.query.events.periods import Interval, Span, cut, start_of

_AGO = re.compile(r"-\d{1,6}[hdwmqy]", re.ASCII)
_DAYS_AGO = re.compile(r"-(\d{1,6})d", re.ASCII)
_WHOLE_UNITS = {"wStart": "w", "mStart": "m", "qStart": "q", "yStart": "y"}


def previous_span(
    compare: CompareFilter | None, asked: PeriodRange | None, span: Span, calendar: Calendar
) -> Span | None:
    """The other range of a comparison; None without a comparison.

    asked, span: the range as sent, and what it came to. Raises InvalidQuery for a compare_to that
    can't be read, and for too many points.
    """
    if compare is None or not compare.compare:
        return None
    sent = asked or PeriodRange()
    date_from, date_to = _bounds(compare.compare_to, sent, span, calendar)
    return cut(date_from, date_to, span.interval, calendar, sent.daysOfWeek or ())


def _bounds(
    compare_to: str | None, sent: PeriodRange, span: Span, calendar: Calendar
) -> tuple[datetime, datetime]:
    if not span.periods:
        return span.date_from, span.date_to
    if sent.date_from == "all":
        return _before_all(span, calendar)
    if compare_to:
        if _AGO.fullmatch(compare_to) is None:
            detail = f"'{compare_to[:100]}' is not a period that can be read."
            raise invalid_input("compareFilter__compare_to", detail)
        return (
            shifted(span.date_from, compare_to, calendar),
            shifted(span.date_to, compare_to, calendar),
        )
    unit = _WHOLE_UNITS.get(sent.date_from or "")
    as_given = sent.explicitDate or sent.excludeIncompletePeriods
    if unit is not None and is_until_now(sent.date_to) and not as_given:
        start = lower(sent.date_from or "", calendar)
        return shifted(start, f"-1{unit}", calendar), start - MICROSECOND
    if span.interval in ("second", "minute"):
        length = span.date_to - span.date_from
        return clamped(span.date_from - length - MICROSECOND), span.date_from - MICROSECOND
    date_from, date_to = just_before(span.date_from, span.date_to, calendar)
    if _meets_weekdays(sent, span.interval):
        return _day_later(date_from, calendar), _day_later(date_to, calendar)
    return date_from, date_to


def _day_later(at: datetime, calendar: Calendar) -> datetime:
    return clamped((at.astimezone(calendar.zone) + timedelta(days=1)).astimezone(UTC))


def _meets_weekdays(sent: PeriodRange, interval: Interval) -> bool:
    """PostHog: of so many whole weeks of days until now, the range before begins a day later.

    `-7d` is eight days, of which the last is today: so each is beside the same day of the week.
    """
    found = _DAYS_AGO.fullmatch(sent.date_from or "-7d")
    return (
        interval == "day"
        and found is not None
        and int(found[1]) > 0
        and int(found[1]) % 7 == 0
        and (is_until_now(sent.date_to) or _is_absolute(sent.date_to))
        and not sent.explicitDate
        and not sent.excludeIncompletePeriods
    )


def _is_absolute(sent: str | None) -> bool:
    return re.match(r"\d{4}-", sent or "", re.ASCII) is not None


def _before_all(span: Span, calendar: Calendar) -> tuple[datetime, datetime]:
    """As many periods, with nothing in them: the range begins with the first event."""
    date_to = span.periods[0].start - MICROSECOND
    date_from = date_to
    for _ in range(len(span.periods) - 1):
        date_from = start_of(date_from, span.interval, calendar) - MICROSECOND
    return clamped(start_of(date_from, span.interval, calendar)), date_to
