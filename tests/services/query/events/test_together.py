"""Two ranges as one: which fit, and where the later one's periods begin."""

from datetime import UTC, datetime

import msgspec
import pytest

from contracts.queries.counted import PeriodRange
from services.query.events.dates import Calendar
from services.query.events.periods import Interval, Span, span_of
from services.query.events.together import Together, together

CALENDAR = Calendar(datetime(2024, 3, 13, 10, 20, tzinfo=UTC))


def span(
    date_from: str, date_to: str, interval: Interval = "day", *, explicit: bool = False
) -> Span:
    asked = PeriodRange(date_from=date_from, date_to=date_to, explicitDate=explicit)
    return span_of(asked, interval, CALENDAR)


def test_ranges_that_follow_each_other_are_one_after_the_other() -> None:
    both = together(span("2024-03-01", "2024-03-03"), span("2024-03-04", "2024-03-05"))
    assert both == Together(span("2024-03-01", "2024-03-05"), 3)


def test_days_of_both_are_there_once() -> None:
    both = together(span("2024-03-01", "2024-03-03"), span("2024-03-03", "2024-03-05"))
    assert both == Together(span("2024-03-01", "2024-03-05"), 2)


def test_a_range_within_the_other_has_its_days() -> None:
    both = together(span("2024-03-01", "2024-03-05"), span("2024-03-03", "2024-03-05"))
    assert both == Together(span("2024-03-01", "2024-03-05"), 2)


def test_points_that_do_not_count_do_not_count_together() -> None:
    earlier, later = span("2024-03-01", "2024-03-02"), span("2024-03-03", "2024-03-05")
    both = together(
        msgspec.structs.replace(earlier, shown=(1,)), msgspec.structs.replace(later, shown=(0, 2))
    )
    assert both is not None
    assert both.span.shown == (1, 2, 4)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (span("2024-03-01", "2024-03-02"), span("2024-03-04", "2024-03-05")),
        (span("2024-03-04", "2024-03-05"), span("2024-03-01", "2024-03-03")),
        (span("2024-03-01", "2024-03-05"), span("2024-03-02", "2024-03-04")),
        (span("2024-03-03", "2024-03-02"), span("2024-03-03", "2024-03-04")),
        (
            span("2024-03-01", "2024-03-02T12:00:00", explicit=True),
            span("2024-03-02T12:00:00.000001", "2024-03-03", explicit=True),
        ),
        (
            span("2024-03-01", "2024-03-03"),
            span("2024-03-03", "2024-03-03T12:00:00", explicit=True),
        ),
        (
            span("2024-03-01", "2024-03-03"),
            span("2024-03-04T12:00:00", "2024-03-05", explicit=True),
        ),
        (span("2024-03-06", "2024-03-12", "week"), span("2024-03-13", "2024-03-19", "week")),
    ],
    ids=[
        "time between them", "the later one first", "the earlier one ends later", "an empty range",
        "a day that both cut", "a day that one cuts", "a part of a day between them",
        "a week that both cut",
    ],
)  # fmt: skip
def test_others_are_two(earlier: Span, later: Span) -> None:
    assert together(earlier, later) is None
