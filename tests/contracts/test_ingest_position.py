"""Positions of captured events, as clients get and send them."""

import pytest

from contracts.ingest_position import IngestPosition, ingest_position_in


@pytest.mark.parametrize(
    ("text", "bucket", "sequence"), [("7", 0, 7), ("0", 0, 0), ("3.17", 3, 17), ("12.1", 12, 1)]
)
def test_a_position_is_read_as_it_was_told(text: str, bucket: int, sequence: int) -> None:
    found = ingest_position_in(text)
    assert found == IngestPosition(bucket, sequence)
    assert str(found) == text


def test_the_first_buckets_are_numbers_as_ever() -> None:
    assert IngestPosition(0, 7).told == 7
    assert IngestPosition(1, 7).told == "1.7"


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.2.3", "100.1", ".1", "1.", "1e3", "٣", "9" * 19]
)
def test_what_nobody_was_told_is_no_position(text: str) -> None:
    assert ingest_position_in(text) is None


def test_a_position_says_nothing_about_another_bucket() -> None:
    assert IngestPosition(2, 9).within(2) == 9
    assert IngestPosition(2, 9).within(0) == 0
