"""When the events of a file happened, in the forms that files have."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.times import microseconds
from services.embedded.importing.times import NotATime, TimeReader

COMMON = TimeReader(None, ZoneInfo("UTC"))


def at(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1672567200", "2023-01-01T10:00:00"),
        ("1672567200.25", "2023-01-01T10:00:00.25"),
        (1672567200.25, "2023-01-01T10:00:00.25"),
        (1672567200, "2023-01-01T10:00:00"),
        ("1672567200123", "2023-01-01T10:00:00.123"),
        ("1700000000123456", "2023-11-14T22:13:20.123456"),
        (1700000000123456, "2023-11-14T22:13:20.123456"),
        ("1700000000123456789", "2023-11-14T22:13:20.123456"),
        ("19970101", "1997-01-01T00:00:00"),
        (19970101, "1997-01-01T00:00:00"),
        ("202301051011", "2023-01-05T10:11:00"),
        ("20230105101112", "2023-01-05T10:11:12"),
        ("20230105101112123", "2023-01-05T10:11:12.123"),
        # No day of a calendar, so seconds.
        ("19971301", "1970-08-20T03:35:01"),
        ("20230105T101112", "2023-01-05T10:11:12"),
        ("2019-10-01 00:00:00 UTC", "2019-10-01T00:00:00"),
        ("10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36"),
        ("01.02.2023", "2023-02-01T00:00:00"),
        ("01.02.2023 10:11", "2023-02-01T10:11:00"),
        ("2023-1-5", "2023-01-05T00:00:00"),
        ("2023-1-5 6:07", "2023-01-05T06:07:00"),
        ("Jan 5, 2023", "2023-01-05T00:00:00"),
        ("5 January 2023 10:00 pm", "2023-01-05T22:00:00"),
        ("Sun Jan 01 2023 10:00:00 GMT+0100 (CET)", "2023-01-01T09:00:00"),
        # Only one of these numbers can be a month.
        ("12/31/2010 8:26", "2010-12-31T08:26:00"),
        ("31/12/2010 8:26", "2010-12-31T08:26:00"),
        ("1/1/2010", "2010-01-01T00:00:00"),
        (" 2023-01-05 ", "2023-01-05T00:00:00"),
    ],
)  # fmt: skip
def test_common_forms_are_read_without_an_option(value: object, expected: str) -> None:
    assert COMMON.micros(value) == at(expected)


@pytest.mark.parametrize("text", ["12/1/2010 8:26", "1/2/2010", "12-1-2010", "1/2/10"])
def test_a_date_that_can_be_two_days_needs_an_order(text: str) -> None:
    with pytest.raises(NotATime, match=r"can be two days.*--time-format month-first or day-first"):
        COMMON.micros(text)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("month-first", "12/1/2010 8:26", "2010-12-01T08:26:00"),
        ("day-first", "12/1/2010 8:26", "2010-01-12T08:26:00"),
        ("day-first", "1/2/10 8:26 PM", "2010-02-01T20:26:00"),
        ("day-first", "2010-12-01", "2010-12-01T00:00:00"),
        ("%m/%d/%Y %H:%M", "12/1/2010 8:26", "2010-12-01T08:26:00"),
        ("%Y%j", "2023032", "2023-02-01T00:00:00"),
        ("%d.%m.%y %H:%M %z", "01.02.23 10:00 +0100", "2023-02-01T09:00:00"),
        ("s", "20230101", "1970-08-23T03:28:21"),
        ("ms", "1672567200123", "2023-01-01T10:00:00.123"),
        ("us", "1672567200", "1970-01-01T00:27:52.5672"),
        ("ns", "1700000000123456789", "2023-11-14T22:13:20.123456"),
    ],
)
def test_a_named_form_is_read(form: str, text: str, expected: str) -> None:
    assert TimeReader(form, ZoneInfo("UTC")).micros(text) == at(expected)


def test_a_named_pattern_or_unit_is_the_only_form() -> None:
    for form in ("%d/%m/%Y", "ms"):
        with pytest.raises(NotATime):
            TimeReader(form, ZoneInfo("UTC")).micros("2023-01-05T00:00:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-07-01 12:00", "2023-07-01T10:00:00"),
        ("2023-01-01 12:00", "2023-01-01T11:00:00"),
        ("20230701", "2023-06-30T22:00:00"),
        # What names its zone stands.
        ("2023-07-01T12:00:00Z", "2023-07-01T12:00:00"),
        ("2023-07-01 12:00 +0500", "2023-07-01T07:00:00"),
        ("1672567200", "2023-01-01T10:00:00"),
    ],
)
def test_times_without_a_zone_are_the_named_zones(text: str, expected: str) -> None:
    assert TimeReader(None, ZoneInfo("Europe/Berlin")).micros(text) == at(expected)


@pytest.mark.parametrize(
    "value",
    ["", "soon", "12:00", "2023-02-30", "1e9", "NaN", "9" * 25, True, [2023], None,
     "Jan 1, 2023 13:00 PM", "2023-01-01 10:00 IST", "1.7e9", "20230105 PM", "5/2023"],
)  # fmt: skip
def test_anything_else_is_no_time(value: object) -> None:
    with pytest.raises(NotATime):
        COMMON.micros(value)


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers()))
def test_no_value_is_an_error_of_another_kind(value: object) -> None:
    try:
        COMMON.micros(value)
    except NotATime:
        return
