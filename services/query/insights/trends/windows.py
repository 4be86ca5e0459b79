"""The days that weekly and monthly active actors are told by (trends.md section 4)."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.times import MICROSECOND
from services.query.events.periods import Period, Span
from services.query.insights.trends.plan import OneValue, TrendsPlan

Days = Literal[7, 30]


class Window(msgspec.Struct, frozen=True):
    """since: inclusive; until: exclusive. Both UTC."""

    since: datetime
    until: datetime


def windows(plan: TrendsPlan, span: Span, days: Days) -> list[Window]:
    """Of each period of the span; of one value the only one. Rising, without an end after the
    range's; where they begin, the range itself is without effect.

    Calendar days that end with the period, of hours and less so many times 24 hours before its end.
    """
    if not span.periods:
        return []
    if isinstance(plan.shape, OneValue):
        return [_of_days(span.date_to + MICROSECOND, span, days)]
    return [_window(period, span, days) for period in span.periods]


def first_instant(plan: TrendsPlan, span: Span, days: Days) -> datetime | None:
    """From when on events count: the beginning of the first window that has a point; None: of no
    point none do.
    """
    found = windows(plan, span, days)
    if isinstance(plan.shape, OneValue) or not found:
        return found[0].since if found else None
    return found[span.shown[0]].since if span.shown else None


def _window(period: Period, span: Span, days: Days) -> Window:
    if span.interval in ("second", "minute", "hour"):
        return _cut(period.end - timedelta(days=days), period.end, span)
    return _of_days(period.end, span, days)


def _of_days(end: datetime, span: Span, days: Days) -> Window:
    """end: exclusive; its own day is the last one, however little of it is in the range."""
    last = (end - MICROSECOND).astimezone(ZoneInfo(span.timezone))
    midnight = last.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return _cut((midnight - timedelta(days=days - 1)).astimezone(UTC), end, span)


def _cut(since: datetime, end: datetime, span: Span) -> Window:
    return Window(since, min(end, span.date_to + MICROSECOND))
