"""The point of a row that a request for people points at (trends.md section 11)."""

from zoneinfo import ZoneInfo

from contracts.queries.errors import invalid_input
from services.query.events.dates import instant
from services.query.events.periods import Span, days


def point_of(day: str, span: Span, current: Span) -> int:
    """The index of a period of `span`.

    day: one of its `days`, a date-time within a period of it, or one of those of the current side:
    then the period of the same index. Raises InvalidQuery.
    """
    for side in dict.fromkeys((span, current)):
        index = _within(day, side)
        if index is not None and index < len(span.periods):
            return index
    if instant(day, ZoneInfo(span.timezone)) is None:
        raise invalid_input("day", f"'{day[:100]}' is not a date that can be read.")
    raise invalid_input("day", f"'{day[:100]}' is no point of this query.")


def _within(day: str, span: Span) -> int | None:
    named = days(span)
    if day in named:
        return span.shown[named.index(day)]
    at = instant(day, ZoneInfo(span.timezone))
    if at is None:
        return None
    return next(
        (i for i, period in enumerate(span.periods) if period.start <= at < period.end), None
    )


def series_place(sent: int | None, series: int) -> int:
    """Of the series that is pointed at, from 0. Raises InvalidQuery for one that is not there."""
    index = sent or 0
    if not 0 <= index < series:
        raise invalid_input("series", f"There is no series {index} in this query.")
    return index
