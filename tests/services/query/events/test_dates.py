"""Dates of requests: insights-api.md, Dates. The clock stands at 2024-03-13 15:30 in Berlin."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from contracts.queries.errors import InvalidQuery
from services.query.events.dates import (
    Calendar,
    ago,
    date_range,
    instant,
    just_before,
    lower,
    shifted,
    upper,
)

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 3, 13, 15, 30, 45, 123456, tzinfo=ZONE)  # a Wednesday
BERLIN = Calendar(now=NOW.astimezone(UTC), timezone="Europe/Berlin")


def local(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")


@pytest.mark.parametrize(
    ("sent", "start"),
    [
        ("-7d", "2024-03-06 00:00:00"),
        ("-0d", "2024-03-13 00:00:00"),
        ("7d", "2024-03-06 00:00:00"),
        ("-2w", "2024-02-28 00:00:00"),
        ("-1m", "2024-02-13 00:00:00"),
        ("-1q", "2023-12-13 00:00:00"),
        ("-1y", "2023-03-13 00:00:00"),
        ("-24h", "2024-03-12 15:30:45.123456"),
        ("-30M", "2024-03-13 15:00:45.123456"),
        ("-30s", "2024-03-13 15:30:15.123456"),
        ("dStart", "2024-03-13 00:00:00"),
        ("-1dStart", "2024-03-12 00:00:00"),
        ("wStart", "2024-03-10 00:00:00"),
        ("mStart", "2024-03-01 00:00:00"),
        ("-1mStart", "2024-02-01 00:00:00"),
        ("qStart", "2024-01-01 00:00:00"),
        ("yStart", "2024-01-01 00:00:00"),
        ("hStart", "2024-03-13 15:00:00"),
        ("2024-01-05", "2024-01-05 00:00:00"),
        ("2024-01-05T10:20", "2024-01-05 10:20:00"),
        ("2024-01-05 10:20:30.5", "2024-01-05 10:20:30.500000"),
        ("2024-01-05T10:20:30Z", "2024-01-05 11:20:30"),
        ("2024-01-05T10:20:30+05:30", "2024-01-05 05:50:30"),
    ],
)
def test_a_date_from_is_its_first_instant(sent: str, start: str) -> None:
    assert local(lower(sent, BERLIN)) == start


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        ("-1d", "2024-03-12 23:59:59.999999"),
        ("-1w", "2024-03-06 23:59:59.999999"),
        ("-1m", "2024-02-13 23:59:59.999999"),
        ("-24h", "2024-03-12 15:30:45.123456"),
        ("dEnd", "2024-03-13 23:59:59.999999"),
        ("-1dEnd", "2024-03-12 23:59:59.999999"),
        ("wEnd", "2024-03-16 23:59:59.999999"),
        ("mEnd", "2024-03-31 23:59:59.999999"),
        ("-1mEnd", "2024-02-29 23:59:59.999999"),
        ("yEnd", "2024-12-31 23:59:59.999999"),
        ("dStart", "2024-03-13 00:00:00"),
        ("2024-01-05", "2024-01-05 23:59:59.999999"),
        ("2024-01-05T10:20:30", "2024-01-05 10:20:30"),
        ("all", "2024-03-13 15:30:45.123456"),
    ],
)
def test_a_date_to_is_its_last_instant(sent: str, end: str) -> None:
    assert local(upper(sent, BERLIN)) == end


def test_without_dates_a_week_ago_until_now() -> None:
    start, end = date_range(None, None, BERLIN)
    assert local(start) == "2024-03-06 00:00:00"
    assert end == BERLIN.now
    assert date_range("", "", BERLIN) == (start, end)


def test_explicit_dates_are_not_widened_to_days() -> None:
    start, end = date_range("-7d", "2024-03-10", BERLIN, explicit=True)
    assert local(start) == "2024-03-06 15:30:45.123456"
    assert local(end) == "2024-03-10 00:00:00"


def test_all_begins_with_the_first_event() -> None:
    first = datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert lower("all", msgspec.structs.replace(BERLIN, first_event_at=first)) == first
    assert lower("all", BERLIN) == lower("-7d", BERLIN)


def test_weeks_start_on_the_projects_day() -> None:
    monday = msgspec.structs.replace(BERLIN, week_starts_monday=True)
    assert local(lower("wStart", monday)) == "2024-03-11 00:00:00"


def test_a_month_back_from_its_31st_is_the_last_of_a_shorter_one() -> None:
    march = msgspec.structs.replace(BERLIN, now=datetime(2024, 3, 31, 12, tzinfo=UTC))
    assert local(lower("-1m", march)) == "2024-02-29 00:00:00"


def test_a_day_of_the_zone_may_have_23_or_25_hours() -> None:
    for day, hours in [("2024-03-31", 23), ("2024-10-27", 25)]:
        length = upper(day, BERLIN) - lower(day, BERLIN)
        assert round(length.total_seconds() / 3600) == hours


def test_a_day_that_begins_or_ends_in_a_change_of_clocks_is_whole() -> None:
    havana = Calendar(now=BERLIN.now, timezone="America/Havana")
    gap = lower("2024-03-10", havana)  # 00:00 to 01:00 do not exist there
    assert gap.astimezone(ZoneInfo("America/Havana")).hour == 1
    assert upper("2024-03-09", havana) < gap
    asuncion = Calendar(now=BERLIN.now, timezone="America/Asuncion")
    repeated = upper("2024-03-23", asuncion)  # 23:00 to 24:00 came twice there
    assert lower("2024-03-24", asuncion) - repeated == timedelta(microseconds=1)


@pytest.mark.parametrize(
    "sent",
    ["yesterday", "-7", "7", "d", "2024-13-01", "2024-01-32", "20240101", "2024-01-01T", "-7D"],
)
def test_what_is_no_date_is_refused_with_its_field(sent: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        date_range("-7d", sent, BERLIN)
    assert (raised.value.attr, raised.value.code) == ("date_to", "invalid_input")


def test_dates_stay_within_what_the_engine_holds() -> None:
    assert lower("0001-01-01", BERLIN).year == 1900
    assert lower("-999999y", BERLIN).year == 1900
    assert upper("9999-12-31", BERLIN).year == 2299


def test_values_of_filters_count_back_from_now_exactly() -> None:
    seven = ago("-7d", BERLIN)
    assert seven is not None
    assert local(seven) == "2024-03-06 15:30:45.123456"
    assert ago("dStart", BERLIN) is None
    assert ago("2024-01-01", BERLIN) is None


def test_a_date_without_an_offset_is_of_the_zone() -> None:
    assert instant("2024-07-01", ZONE) == datetime(2024, 6, 30, 22, tzinfo=UTC)
    assert instant("2024-07-01T00:00:00Z", ZONE) == datetime(2024, 7, 1, tzinfo=UTC)
    assert instant("soon", ZONE) is None


def test_a_period_is_shifted_by_the_calendar() -> None:
    at = datetime(2024, 4, 1, 0, tzinfo=ZONE)  # the clocks changed the day before
    assert local(shifted(at, "-1w", BERLIN)) == "2024-03-25 00:00:00"
    with pytest.raises(InvalidQuery):
        shifted(at, "2024-01-01", BERLIN)


@pytest.mark.parametrize(
    ("zone", "since", "until", "begins"),
    [
        ("Europe/Berlin", "2024-03-04", "2024-03-10", "2024-02-26"),
        ("Europe/Berlin", "2024-03-31", "2024-03-31", "2024-03-30"),  # a day of 23 hours
        ("Europe/Berlin", "2024-10-26", "2024-10-28", "2024-10-23"),  # one of 25 among three
        ("Africa/Cairo", "2024-04-26", "2024-04-27", "2024-04-24"),  # begins at 1 o'clock
    ],
)
def test_the_range_before_has_as_many_days(zone: str, since: str, until: str, begins: str) -> None:
    calendar = Calendar(now=BERLIN.now, timezone=zone)
    date_from = lower(since, calendar)
    assert just_before(date_from, upper(until, calendar), calendar) == (
        lower(begins, calendar),
        date_from - timedelta(microseconds=1),
    )


def test_the_range_before_one_of_hours_is_as_long() -> None:
    noon = datetime(2024, 3, 5, 12, tzinfo=UTC)
    before = just_before(noon - timedelta(hours=24), noon, BERLIN)
    assert before[1] - before[0] == timedelta(hours=24)
