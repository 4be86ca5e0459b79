"""Legacy requests for the people behind a point, and how legacy requests spell what is refused."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.legacy import spelled
from contracts.queries.legacy_points import convert_lifecycle, convert_stickiness, convert_trends
from contracts.queries.trends import TrendsQuery

EVENTS = [
    {"id": "seen", "order": 0},
    {"id": "paid", "order": 1, "math": "dau"},
    {"id": "paid", "order": 2, "math": "sum", "math_property": "amount"},
]
ACTIONS = [{"id": 7, "order": 3}]
DAY = {"date_from": "2024-01-31", "date_to": "2024-01-31", "events": EVENTS, "actions": ACTIONS}


def test_the_range_is_the_point_and_nothing_is_compared() -> None:
    query = convert_trends({**DAY, "compare": "true", "breakdown": "b", "include_recordings": "1"})
    assert isinstance(query.source, TrendsQuery)
    dates = query.source.dateRange
    assert dates is not None
    assert (dates.date_from, dates.date_to) == ("2024-01-31", "2024-01-31")
    assert query.source.compareFilter is None
    assert (query.day, query.compare, query.includeRecordings) == (None, None, True)


@pytest.mark.parametrize(
    ("interval", "end"),
    [("hour", "2024-01-31T05:59:59.999999"), ("day", "2024-01-31T05:00:00.999999")],
)
def test_a_time_named_twice_is_whole(interval: str, end: str) -> None:
    at = "2024-01-31 05:00:00"
    source = convert_trends({**DAY, "date_from": at, "date_to": at, "interval": interval}).source
    assert source.dateRange is not None
    assert (source.dateRange.date_from, source.dateRange.date_to) == (at, end)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({}, None),
        ({"entity_order": "2"}, 2),
        ({"entity_id": "paid"}, 1),
        ({"entity_id": "paid", "entity_math": "sum"}, 2),
        ({"entity_id": "paid", "entity_math": "p90"}, 1),
        ({"entity_id": "7", "entity_type": "actions"}, 3),
        ({"entity_id": "seen", "entity_order": 1}, 1),
    ],
)
def test_a_series_is_named_by_its_place_or_by_what_it_counts(
    asked: dict[str, Any], place: int | None
) -> None:
    assert convert_trends({**DAY, **asked}).series == place


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("Chrome", "Chrome"),
        ('["a","b"]', ("a", "b")),
        (["a"], ("a",)),
        ("5", "5"),
        (5, 5),
        ("", ""),
        (None, None),
    ],
)
def test_a_row_is_named_by_its_value(sent: Any, value: Any) -> None:
    assert convert_trends({**DAY, "breakdown_value": sent}).breakdown == value


def test_a_number_of_intervals_and_a_status_are_points_too() -> None:
    sticky = convert_stickiness({**DAY, "stickiness_days": "3", "entity_id": "paid"})
    assert (sticky.day, sticky.series) == (3, 1)
    alive = convert_lifecycle(
        {"events": EVENTS[:1], "lifecycle_type": "dormant", "target_date": "2024-01-31"}
    )
    assert (alive.day, alive.status) == ("2024-01-31", "dormant")


@pytest.mark.parametrize(
    ("convert", "asked", "attr", "code"),
    [
        (convert_trends, {"entity_id": "gone"}, "entity_id", "invalid_input"),
        (convert_trends, {"entity_order": "x"}, "entity_order", "invalid_input"),
        (convert_stickiness, {}, "stickiness_days", "required"),
        (convert_lifecycle, {"target_date": "2024-01-31"}, "lifecycle_type", "required"),
        (convert_lifecycle, {"lifecycle_type": "new"}, "target_date", "required"),
        (
            convert_lifecycle,
            {"lifecycle_type": "gone", "target_date": "2024-01-31"},
            "lifecycle_type",
            "invalid_input",
        ),
    ],
)
def test_what_names_no_point_is_refused(
    convert: Any, asked: dict[str, Any], attr: str, code: str
) -> None:
    with pytest.raises(InvalidQuery) as refused:
        convert({**DAY, **asked})
    assert (refused.value.attr, refused.value.code) == (attr, code)


@pytest.mark.parametrize(
    ("attr", "field"),
    [
        ("series", "events"),
        ("series__0__math_property", "events"),
        ("query__series__1__math_group_type_index", "events"),
        ("interval", "interval"),
        ("trendsFilter__smoothingIntervals", "smoothing_intervals"),
        ("query__trendsFilter__display", "display"),
        ("trendsFilter__formula", "formula"),
        ("compareFilter__compare_to", "compare_to"),
        ("dateRange__daysOfWeek__0", "daysOfWeek"),
        ("breakdownFilter__breakdowns__1__type", "breakdowns"),
        ("breakdownFilter__breakdown_histogram_bin_count", "breakdown_histogram_bin_count"),
        ("stickinessFilter__stickinessCriteria__value", "stickiness_criteria"),
        ("aggregation_group_type_index", "aggregation_group_type_index"),
    ],
)
def test_a_refusal_names_the_legacy_field(attr: str, field: str) -> None:
    assert spelled(InvalidQuery(attr, "invalid_input", "no")).attr == field
