"""Ranges and their periods: trends.md section 6, rule by rule."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import InvalidQuery
from services.query.events.dates import Calendar
from services.query.events.periods import (
    Interval,
    Span,
    bounds,
    days,
    incomplete,
    labels,
    moments,
    span_of,
)

NOW = datetime(2024, 3, 13, 10, 20, 33, 5, tzinfo=UTC)  # a Wednesday
UTC_CALENDAR = Calendar(NOW)


def span(
    date_from: str | None = None,
    date_to: str | None = None,
    interval: Interval = "day",
    calendar: Calendar = UTC_CALENDAR,
    *,
    explicit: bool = False,
    days_of_week: tuple[int, ...] = (),
    only_complete: bool = False,
) -> Span:
    asked = PeriodRange(
        date_from=date_from,
        date_to=date_to,
        explicitDate=explicit,
        daysOfWeek=days_of_week,
        excludeIncompletePeriods=only_complete,
    )
    return span_of(asked, interval, calendar)


def ends(found: Span) -> tuple[str, str]:
    return written(found.date_from), written(found.date_to)


def written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


DAY_END = "23:59:59.999999"


@pytest.mark.parametrize(
    ("sent", "interval", "since"),
    [
        (None, "day", "2024-03-06 00:00:00"),
        ("-7d", "hour", "2024-03-06 00:00:00"),
        ("2024-01-15", "month", "2024-01-01 00:00:00"),
        ("2024-01-15T12:34:56.7", "day", "2024-01-15 00:00:00"),
        ("2024-01-15T12:34:56.7", "hour", "2024-01-15 12:00:00"),
        ("2024-01-15T12:34:56.7", "minute", "2024-01-15 12:34:00"),
        ("2024-01-17T12:34:56.7", "week", "2024-01-17 00:00:00"),
        ("-24h", "day", "2024-03-12 10:00:00"),
        ("-24h", "hour", "2024-03-12 10:00:00"),
        ("-3h", "minute", "2024-03-13 07:00:00"),
        ("-30M", "minute", "2024-03-13 09:50:00"),
        ("-30M", "hour", "2024-03-13 09:00:00"),
        ("-30s", "second", "2024-03-13 10:20:03"),
        ("mStart", "week", "2024-03-01 00:00:00"),
    ],
)
def test_a_range_begins_with_its_period_but_a_week_with_its_day(
    sent: str | None, interval: Interval, since: str
) -> None:
    first, _ = bounds(PeriodRange(date_from=sent), interval, UTC_CALENDAR)
    assert written(first) == f"{since}.000000"


@pytest.mark.parametrize(
    ("sent", "interval", "until"),
    [
        (None, "day", f"2024-03-13 {DAY_END}"),
        (None, "month", f"2024-03-13 {DAY_END}"),
        (None, "hour", "2024-03-13 10:59:59.999999"),
        (None, "minute", "2024-03-13 10:20:59.999999"),
        (None, "second", "2024-03-13 10:20:33.999999"),
        ("-1d", "day", f"2024-03-12 {DAY_END}"),
        ("2024-03-10", "hour", f"2024-03-10 {DAY_END}"),
        ("2024-03-10T08:00:00", "hour", "2024-03-10 08:00:00.000000"),
        ("2024-03-10T08:00:00", "day", f"2024-03-10 {DAY_END}"),
        ("-2h", "hour", "2024-03-13 08:20:33.000005"),
        ("-2h", "week", f"2024-03-13 {DAY_END}"),
    ],
)
def test_a_range_ends_with_its_day_or_as_it_was_given(
    sent: str | None, interval: Interval, until: str
) -> None:
    _, last = bounds(PeriodRange(date_to=sent), interval, UTC_CALENDAR)
    assert written(last) == until


def test_explicit_ends_are_taken_to_the_microsecond() -> None:
    found = span("2024-01-30T12:00:00", "2024-02-01T01:00:00", explicit=True)
    assert ends(found) == ("2024-01-30 12:00:00.000000", "2024-02-01 01:00:00.000000")
    assert days(found) == ["2024-01-30", "2024-01-31", "2024-02-01"]
    open_ended = span("2024-03-12T12:00:00", interval="hour", explicit=True)
    assert ends(open_ended)[1] == "2024-03-13 10:20:33.000005"


def test_all_begins_with_the_first_event() -> None:
    calendar = Calendar(NOW, first_event_at=datetime(2024, 3, 10, 7, 30, tzinfo=UTC))
    found = span("all", calendar=calendar)
    assert days(found) == ["2024-03-10", "2024-03-11", "2024-03-12", "2024-03-13"]


@pytest.mark.parametrize(
    ("date_from", "date_to", "interval", "shown"),
    [
        ("2024-01-31", "2024-02-01", "day", ["31-Jan-2024", "1-Feb-2024"]),
        ("2024-01-31T05:00:00", "2024-01-31T06:00:00", "hour", ["31-Jan 05:00", "31-Jan 06:00"]),
        ("2024-01-31T05:00:00", "2024-01-31T05:00:59", "minute", ["31-Jan 05:00"]),
        ("2024-01-31T05:00:07", "2024-01-31T05:00:07", "second", ["31-Jan 05:00:07"]),
        ("2024-01-31", "2024-02-01", "month", ["Jan 2024", "Feb 2024"]),
        ("2024-01-07", "2024-01-13", "week", ["7–13 Jan"]),
        ("2024-01-28", "2024-02-03", "week", ["28-Jan – 3-Feb"]),
        ("2024-12-29", "2025-01-04", "week", ["29-Dec-2024 – 4-Jan-2025"]),
        ("2024-01-10", "2024-01-14", "week", ["10–13 Jan", "14-Jan-2024"]),
    ],
)
def test_points_have_labels(
    date_from: str, date_to: str, interval: Interval, shown: list[str]
) -> None:
    assert labels(span(date_from, date_to, interval)) == shown


def test_a_week_is_named_by_its_first_day_though_the_range_begins_later() -> None:
    found = span("2024-01-10", "2024-01-14", "week")
    assert days(found) == ["2024-01-07", "2024-01-14"]
    monday = Calendar(NOW, week_starts_monday=True)
    assert days(span("2024-01-10", "2024-01-14", "week", monday)) == ["2024-01-08"]


BERLIN = Calendar(NOW, "Europe/Berlin")


def test_the_autumn_day_has_25_hours_and_writes_one_of_them_twice() -> None:
    found = days(span("2024-10-27", "2024-10-27", "hour", BERLIN))
    assert len(found) == 25
    assert found.count("2024-10-27 02:00:00") == 2
    assert len(days(span("2024-03-31", "2024-03-31", "hour", BERLIN))) == 23


def test_days_follow_the_clock_of_the_project() -> None:
    found = span("2024-03-30", "2024-04-01", calendar=BERLIN)
    assert [period.start.hour for period in found.periods] == [23, 23, 22]
    assert moments(found) == [
        "2024-03-30T00:00:00+01:00",
        "2024-03-31T00:00:00+01:00",
        "2024-04-01T00:00:00+02:00",
    ]
    assert moments(span("2024-03-12", "2024-03-12")) == ["2024-03-12T00:00:00Z"]


def test_hours_of_half_hour_zones_begin_at_the_full_hour_there() -> None:
    kolkata = Calendar(NOW, "Asia/Kolkata")
    found = span("2024-01-01T05:20:00", "2024-01-01T06:00:00", "hour", kolkata)
    assert days(found) == ["2024-01-01 05:00:00", "2024-01-01 06:00:00"]


def test_a_day_that_a_zone_skipped_has_no_point() -> None:
    apia = Calendar(NOW, "Pacific/Apia")
    assert days(span("2011-12-29", "2011-12-31", calendar=apia)) == ["2011-12-29", "2011-12-31"]


def test_periods_follow_one_another_without_a_gap() -> None:
    for interval in ("hour", "day", "week", "month"):
        periods = span("2024-03-20", "2024-11-05", interval, BERLIN).periods
        assert len(periods) >= 8
        assert all(a.end == b.start for a, b in pairwise(periods))


def test_a_range_that_ends_before_it_begins_has_no_point() -> None:
    found = span("2024-03-10", "2024-03-09")
    assert (found.periods, days(found), labels(found)) == ((), [], [])


def test_days_of_the_week_that_do_not_count_have_no_point() -> None:
    found = span("2024-03-07", "2024-03-12", days_of_week=(1, 5))
    assert days(found) == ["2024-03-08", "2024-03-11"]
    assert found.points == 2
    assert len(found.periods) == 6
    assert len(days(span("2024-03-07", "2024-03-12", "hour", days_of_week=(1,)))) == 6 * 24


def test_incomplete_periods_can_be_left_out() -> None:
    assert days(span("-2d", only_complete=True)) == ["2024-03-11", "2024-03-12"]
    cut = span("-48h", only_complete=True)
    assert ends(cut) == ("2024-03-12 00:00:00.000000", f"2024-03-12 {DAY_END}")
    weeks = span("2024-02-27", interval="week", only_complete=True)
    assert days(weeks) == ["2024-03-03"]
    assert days(span("dStart", only_complete=True)) == []


def test_points_that_are_cut_or_still_running_are_told() -> None:
    assert incomplete(span("-2d"), NOW) == [2]
    assert incomplete(span("-48h"), NOW) == [0, 2]
    explicit = span("2024-03-01T12:00:00", "2024-03-03T12:00:00", explicit=True)
    assert incomplete(explicit, NOW) == [0, 2]
    assert incomplete(span("2024-03-01", "2024-03-03"), NOW) == []
    assert incomplete(span("2024-03-07", days_of_week=(1, 3)), NOW) == [1]


@pytest.mark.parametrize(
    ("date_from", "interval"),
    [("-7d", "second"), ("-8d", "minute"), ("-420d", "hour"), ("1990-01-01", "day")],
)
def test_too_many_points_are_refused(date_from: str, interval: Interval) -> None:
    with pytest.raises(InvalidQuery) as refused:
        span(date_from, interval=interval)
    assert (refused.value.code, refused.value.attr) == ("invalid_input", "interval")
    assert "10,000" in refused.value.detail


def test_ten_thousand_points_are_served() -> None:
    found = span("2024-01-01T00:00:00", "2024-01-01T02:46:39", "second")
    assert found.points == 10_000


@pytest.mark.parametrize("interval", ["second", "minute", "hour", "day", "week", "month"])
def test_until_now_is_what_a_missing_end_means(interval: Interval) -> None:
    assert span("-2h", "now", interval) == span("-2h", None, interval)
