"""How a path names a thing, and times as numbers."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.references import InsightReference, insight_reference, number_in
from contracts.times import microseconds, moment


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("7", InsightReference(number=7)),
        ("12345678", InsightReference(number=12345678)),
        ("9" * 18, InsightReference(number=10**18 - 1)),
        ("GM4qV5J9", InsightReference(short_id="GM4qV5J9")),
        ("9" * 19, None),
        ("-1", None),
        ("٣", None),
        ("GM4qV5J", None),
        ("GM4qV5J9\n", None),
        ("", None),
    ],
)
def test_an_insight_is_named_by_number_or_by_short_id(
    text: str, named: InsightReference | None
) -> None:
    assert insight_reference(text) == named
    assert number_in(text) == (named.number if named else None)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_from_its_microseconds(at: datetime) -> None:
    assert moment(microseconds(at)) == at
