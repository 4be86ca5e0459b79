"""When an event happened."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.times import SECOND_US, microseconds
from services.command.capture import times

NOW = microseconds(datetime(2024, 5, 1, 12, tzinfo=UTC))
HOUR = 3600 * SECOND_US


def at(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-01-01T12:00:00Z", "2023-01-01T12:00:00"),
        ("2023-01-01T12:00:00z", "2023-01-01T12:00:00"),
        ("2023-01-01t12:00:00Z", "2023-01-01T12:00:00"),
        ("2023-01-01T12:00:45.205468+00:00", "2023-01-01T12:00:45.205468"),
        ("2023-01-01T12:00:46.142Z", "2023-01-01T12:00:46.142"),
        ("2023-01-01T12:00:46.1Z", "2023-01-01T12:00:46.1"),
        ("2023-01-01T12:00:46.123456789Z", "2023-01-01T12:00:46.123456"),
        ("2023-01-01T12:00:00+03", "2023-01-01T09:00:00"),
        ("2023-01-01T12:00:00.5-03", "2023-01-01T15:00:00.5"),
        ("2023-01-01T12:00:00-03:30", "2023-01-01T15:30:00"),
        ("2023-01-01T12:00:00+0330", "2023-01-01T08:30:00"),
        ("2023-01-01T12:00:00", "2023-01-01T12:00:00"),
        ("2023-01-01 12:00:00", "2023-01-01T12:00:00"),
        ("2023-01-01 12:00", "2023-01-01T12:00:00"),
        (" 2023-01-01 ", "2023-01-01T00:00:00"),
        ("2023-01-01", "2023-01-01T00:00:00"),
        ("2023/01/02", "2023-01-02T00:00:00"),
        ("01/31/2023", "2023-01-31T00:00:00"),
        ("1/3/2023 04:05:06", "2023-01-03T04:05:06"),
        ("Sun, 01 Jan 2023 12:00:00 GMT", "2023-01-01T12:00:00"),
        ("Sun, 01 Jan 2023 12:00:00 +0300", "2023-01-01T09:00:00"),
        (
            "Sun Jan 01 2023 10:00:00 GMT+0100 (Central European Standard Time)",
            "2023-01-01T09:00:00",
        ),
        ("Sun Jan 01 2023 10:00:00 GMT-0800 (Pacific Standard Time)", "2023-01-01T18:00:00"),
        ("Sun Jan 01 2023 10:00:00 GMT+0530", "2023-01-01T04:30:00"),
        ("Sun Jan  1 10:00:00 2023", "2023-01-01T10:00:00"),
        ("Sun Jan 01 10:00:00 +0200 2023", "2023-01-01T08:00:00"),
        ("Sunday, 01-Jan-23 10:00:00 GMT", "2023-01-01T10:00:00"),
        ("Sun, 1 Jan 2023 10:00 EST", "2023-01-01T15:00:00"),
        ("Jan 1, 2023 10:00:00 PM", "2023-01-01T22:00:00"),
        ("January 1, 2023 at 12:05 a.m.", "2023-01-01T00:05:00"),
        ("1 January 2023", "2023-01-01T00:00:00"),
        ("1/1/2023, 10:00:00\u202fPM", "2023-01-01T22:00:00"),
        ("2023-01-01 10:00:00 PM", "2023-01-01T22:00:00"),
        ("2023-01-01 10:00:00 UTC", "2023-01-01T10:00:00"),
        ("2023-01-01 10:00:00 +0100 UTC", "2023-01-01T09:00:00"),
        ("2023-01-01T10:00:00+01:00[Europe/Berlin]", "2023-01-01T09:00:00"),
        ("2023-01-01+02:00", "2022-12-31T22:00:00"),
        ("10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36"),
        ("20230105T101112Z", "2023-01-05T10:11:12"),
        ("2023-1-5", "2023-01-05T00:00:00"),
        ("01.02.2023 03:04", "2023-02-01T03:04:00"),
        ("20230105.12", "1970-08-23T03:28:25.12"),
        ("1672574400", "2023-01-01T12:00:00"),
        ("1672574400.5", "2023-01-01T12:00:00.5"),
        ("1672574400123", "2023-01-01T12:00:00.123"),
        ("20230101", "1970-08-23T03:28:21"),
        ("0000-01-01T00:00:00Z", "1900-01-01T00:00:00"),
    ],
)
def test_every_form_of_a_timestamp_is_read(text: str, expected: str) -> None:
    assert times.parse(text) == at(expected)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2023-13-01", "2023-01-32T00:00:00Z", "12:00", "31/31/2023", "NaN", "1e9",
     "2023-01-01T25:00:00Z", "10000-01-01T00:00:00Z", "٢٠٢٣-٠١-٠١", "9" * 30, "-", "+5", "🕐",
     "Jan 1, 2023 13:00 PM", "Sun Jan 01 2023 10:00:00 GMT+9900", "Jan 1, 2023 10:00 IST",
     "Sun Jan 01 2023 10:00:00 EST+0100", "2023-01-01-10", "2023-01-01x10:00", "Jan 32, 2023",
     "1 Jan 2023 10", "2023-01-01 10:00 Europe/Berlin", "Jan 1 2023 10:00:00 PM tomorrow"],
)  # fmt: skip
def test_anything_else_is_unreadable(text: str) -> None:
    assert times.parse(text) is None


@given(st.text(max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    times.parse(text)
    times.parse_rfc3339(text)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2299, 12, 31)))  # noqa: DTZ001 - naive on purpose
def test_iso_times_keep_their_microseconds(moment: datetime) -> None:
    assert times.parse(f"{moment.isoformat()}Z") == microseconds(moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "read"),
    [("2023-01-01T12:00:00Z", True), ("2023-01-01t12:00:00.5+01:00", True),
     ("2023-01-01T12:00:00", False), ("2023-01-01", False), ("1672574400", False)],
)  # fmt: skip
def test_the_new_protocol_takes_only_times_with_a_zone(text: str, read: bool) -> None:
    assert (times.parse_rfc3339(text) is not None) is read


def happened(
    timestamp: int | None = None,
    *,
    offset_ms: int | None = None,
    sent: int | None = None,
    ignore_sent: bool = False,
) -> int:
    return times.happened_at(
        timestamp=timestamp, offset_ms=offset_ms, received=NOW, sent=sent, ignore_sent=ignore_sent
    )


def test_without_any_time_it_happened_on_arrival() -> None:
    assert happened() == NOW


def test_an_offset_counts_back_from_arrival_even_beside_a_timestamp() -> None:
    assert happened(NOW - HOUR, offset_ms=1500, sent=NOW) == NOW - 1_500_000


def test_a_clients_clock_is_corrected_by_when_it_sent() -> None:
    wrong = NOW + 5 * HOUR
    assert happened(wrong - 60, sent=wrong) == NOW - 60
    assert happened(NOW - HOUR, sent=NOW - HOUR) == NOW


def test_the_correction_can_be_turned_off() -> None:
    assert happened(NOW - HOUR, sent=NOW - HOUR, ignore_sent=True) == NOW - HOUR


def test_without_sending_time_a_timestamp_stands() -> None:
    assert happened(NOW - 400 * 24 * HOUR) == NOW - 400 * 24 * HOUR


def test_more_than_23_hours_ahead_is_now() -> None:
    assert happened(NOW + 23 * HOUR) == NOW + 23 * HOUR
    assert happened(NOW + 23 * HOUR + 1) == NOW


def test_times_no_column_can_hold_are_moved() -> None:
    assert happened(at("1899-12-31T23:59:59")) == at("1900-01-01T00:00:00")
    assert happened(offset_ms=9_000 * 365 * 86_400 * 1000) == 0


def test_the_sending_time_is_the_batchs_or_the_querys() -> None:
    clock_ms = 1_700_000_000_000
    assert times.sent_at("2023-01-01T00:00:00Z", clock_ms) == at("2023-01-01T00:00:00")
    assert times.sent_at("soon", clock_ms) == clock_ms * 1000
    assert times.sent_at(None, clock_ms) == clock_ms * 1000
    assert times.sent_at(5, None) is None
    # A counter, not a clock: posthog-js's `_` before its clock was set.
    assert times.sent_at(None, 1_000) is None
