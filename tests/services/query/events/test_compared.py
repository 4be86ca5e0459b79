"""The range that is compared with: trends.md section 10, rule by rule."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import CompareFilter
from services.query.events.compared import previous_span
from services.query.events.dates import Calendar
from services.query.events.periods import Interval, Span, days, span_of

NOW = datetime(2024, 3, 13, 10, 20, tzinfo=UTC)
CALENDAR = Calendar(NOW)


def both(
    date_from: str | None = None,
    date_to: str | None = None,
    interval: Interval = "day",
    calendar: Calendar = CALENDAR,
    compare_to: str | None = None,
    *,
    only_complete: bool = False,
) -> tuple[Span, Span]:
    asked = PeriodRange(
        date_from=date_from, date_to=date_to, excludeIncompletePeriods=only_complete
    )
    current = span_of(asked, interval, calendar)
    compare = CompareFilter(compare=True, compare_to=compare_to)
    previous = previous_span(compare, asked, current, calendar)
    assert previous is not None
    return current, previous


def test_nothing_is_compared_unless_asked_for() -> None:
    current = span_of(None, "day", CALENDAR)
    for compare in (None, CompareFilter(), CompareFilter(compare=False, compare_to="-1w")):
        assert previous_span(compare, None, current, CALENDAR) is None


def test_the_range_of_equal_length_just_before() -> None:
    current, previous = both("2024-03-04", "2024-03-06")
    assert days(previous) == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert previous.date_to == current.date_from - timedelta(microseconds=1)


@pytest.mark.parametrize(("sent", "until"), [(None, None), ("-7d", None), ("-7d", "now")])
def test_seven_days_are_eight_beside_the_same_days_of_the_week(
    sent: str | None, until: str | None
) -> None:
    current, previous = both(sent, until)
    assert (days(current)[0], days(current)[-1]) == ("2024-03-06", "2024-03-13")
    assert (days(previous)[0], days(previous)[-1]) == ("2024-02-28", "2024-03-06")
    assert current.points == previous.points == 8


def test_other_ranges_do_not_overlap() -> None:
    assert days(both("-6d")[1])[-1] == "2024-03-06"
    assert days(both("-7d", "-1d")[1])[-1] == "2024-03-05"
    assert days(both("-7d", interval="hour")[1])[-1] == "2024-03-05 23:00:00"
    assert days(both("-14d", "2024-03-10")[1])[-1] == "2024-02-28"
    only_complete = both("-7d", only_complete=True)
    assert days(only_complete[0])[0::6] == ["2024-03-06", "2024-03-12"]
    assert days(only_complete[1])[0::6] == ["2024-02-28", "2024-03-05"]


def test_ends_keep_their_time_of_day_where_clocks_change() -> None:
    berlin = Calendar(datetime(2024, 4, 3, 12, tzinfo=UTC), "Europe/Berlin")
    _, previous = both("2024-04-01", "2024-04-02", calendar=berlin)
    assert days(previous) == ["2024-03-30", "2024-03-31"]
    assert previous.periods[0].start == datetime(2024, 3, 29, 23, tzinfo=UTC)


def test_minutes_are_compared_by_plain_length() -> None:
    berlin = Calendar(datetime(2024, 3, 31, 2, tzinfo=UTC), "Europe/Berlin")
    current, previous = both("2024-03-31T03:10:00", "2024-03-31T03:59:59", "minute", berlin)
    assert previous.date_to - previous.date_from == current.date_to - current.date_from
    assert days(previous)[-1] == "2024-03-31 03:09:00"


@pytest.mark.parametrize(
    ("date_from", "first", "last"),
    [
        ("wStart", "2024-03-03", "2024-03-09"),
        ("mStart", "2024-02-01", "2024-02-29"),
        ("qStart", "2023-10-01", "2023-12-31"),
        ("yStart", "2023-01-01", "2023-12-31"),
    ],
)
def test_a_unit_until_now_is_compared_with_the_whole_one_before(
    date_from: str, first: str, last: str
) -> None:
    previous = both(date_from)[1]
    assert (days(previous)[0], days(previous)[-1]) == (first, last)


@pytest.mark.parametrize(
    ("compare_to", "first", "last"),
    [
        ("-1d", "2024-03-29", "2024-03-30"),
        ("-1w", "2024-03-23", "2024-03-24"),
        ("-1m", "2024-02-29", "2024-02-29"),
        ("-2m", "2024-01-30", "2024-01-31"),
        ("-1q", "2023-12-30", "2023-12-31"),
        ("-1y", "2023-03-30", "2023-03-31"),
    ],
)
def test_both_ends_move_back_by_the_calendar(compare_to: str, first: str, last: str) -> None:
    previous = both("2024-03-30", "2024-03-31", compare_to=compare_to)[1]
    assert (days(previous)[0], days(previous)[-1]) == (first, last)


@pytest.mark.parametrize("compare_to", ["1d", "d", "-1M", "-1s", "-1dStart", "2024-01-01", "week"])
def test_other_periods_are_refused(compare_to: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        both(compare_to=compare_to)
    assert refused.value.attr == "compareFilter__compare_to"


def test_before_all_time_there_are_as_many_points_with_nothing_in_them() -> None:
    calendar = Calendar(NOW, first_event_at=datetime(2024, 1, 20, tzinfo=UTC))
    current, previous = both("all", interval="month", calendar=calendar)
    assert (days(current)[0], days(previous)[-1]) == ("2024-01-01", "2023-12-01")
    assert current.points == previous.points == 3
    assert previous.date_to < current.date_from


def test_of_no_range_there_is_none_before() -> None:
    current, previous = both("2024-03-10", "2024-03-09")
    assert current.points == previous.points == 0
