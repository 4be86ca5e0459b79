"""Which number an actors query points at: trends.md section 11, member by member."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.trends import TrendsQuery
from services.query.insights.trends.plan import NULL, OTHER, TrendsPlan
from services.query.insights.trends.pointing import (
    ALL_BINS,
    AnyChoice,
    OfCohort,
    OfOther,
    OfValue,
    Pointed,
    pointed,
)
from tests.services.query.insights.trends.test_planning import A, plan


def at(made: TrendsPlan, **asked: Any) -> Pointed:
    return pointed(made, InsightActorsQuery(source=TrendsQuery(), **asked))


def row(sent: Any, **breakdown: Any) -> AnyChoice | None:
    return at(plan(breakdownFilter=breakdown), breakdown=sent).row


DATES = {"date_from": "2024-03-04", "date_to": "2024-03-06"}
COMPARED: dict[str, Any] = {"dateRange": DATES, "compareFilter": {"compare": True}}


@pytest.mark.parametrize(
    ("day", "side", "point"),
    [
        (None, "current", None),
        ("2024-03-05", "current", 1),
        ("2024-03-05T13:00:00", "current", 1),
        ("2024-03-05T00:30:00+01:00", "current", 0),
        ("2024-03-02", "previous", 1),
        ("2024-03-06", "previous", 2),
    ],
)
def test_a_day_is_a_point_of_its_side_or_the_same_place_on_the_other(
    day: str | None, side: Any, point: int | None
) -> None:
    found = at(plan(**COMPARED), day=day, compare=side)
    assert (found.point, found.side) == (point, side)


def test_a_week_is_named_by_its_first_day_though_the_range_begins_later() -> None:
    made = plan(interval="week", dateRange=DATES)
    assert at(made, day="2024-03-03").point == 0


def test_the_whole_of_one_point_is_that_point() -> None:
    one_day = {"date_from": "2024-03-04", "date_to": "2024-03-04"}
    assert at(plan(dateRange=one_day)).point == 0
    assert at(plan(dateRange=DATES | {"daysOfWeek": [3]})).point == 2


def test_one_value_has_no_point() -> None:
    made = plan(trendsFilter={"display": "BoldNumber"}, dateRange=DATES)
    assert at(made, day="anything").point is None


def test_days_of_the_week_that_do_not_count_are_passed_over() -> None:
    made = plan(dateRange=DATES | {"daysOfWeek": [3]})
    assert at(made, day="2024-03-06").point == 2


def test_a_series_is_told_by_its_place() -> None:
    made = plan({"kind": "ActionsNode", "id": 99}, A)
    assert at(made).series is None
    assert at(made, series=1).series == made.series[0]


@pytest.mark.parametrize(
    ("sent", "choice"),
    [
        ("Chrome", OfValue(("Chrome",))),
        (["Chrome"], OfValue(("Chrome",))),
        (("Chrome",), OfValue(("Chrome",))),
        (10, OfValue(("10",))),
        (1.5, OfValue(("1.5",))),
        (NULL, OfValue((NULL,))),
        (OTHER, OfOther()),
        (None, None),
    ],
)
def test_a_row_is_told_by_its_value(sent: Any, choice: AnyChoice | None) -> None:
    sent = tuple(sent) if isinstance(sent, list) else sent
    assert row(sent, breakdown="$browser") == choice


def test_several_breakdowns_have_several_values() -> None:
    two = [{"property": "a"}, {"property": "b"}]
    assert row(("x", NULL), breakdowns=two) == OfValue(("x", NULL))
    assert row((OTHER, OTHER), breakdowns=two) == OfOther()


@pytest.mark.parametrize(
    ("sent", "choice"),
    [
        ("[1,2.5]", OfValue(("[1,2.5]",))),
        ("[1.0, 2.5]", OfValue(("[1,2.5]",))),
        ((1, 2.5), OfValue(("[1,2.5]",))),
        (("", ""), OfValue((ALL_BINS,))),
        ('["",""]', OfValue((ALL_BINS,))),
        (NULL, OfValue((NULL,))),
        (OTHER, OfOther()),
    ],
)
def test_a_bin_is_told_by_its_bounds(sent: Any, choice: AnyChoice) -> None:
    assert row(sent, breakdown="n", breakdown_histogram_bin_count=3) == choice


@pytest.mark.parametrize(("sent", "cohort"), [(5, 5), ("5", 5), ("all", 0), (0, 0)])
def test_a_cohort_is_told_by_its_id(sent: Any, cohort: int) -> None:
    found = row(sent, breakdown=[5, "all"], breakdown_type="cohort")
    assert found == OfCohort(cohort)


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"day": "soon"}, "day"),
        ({"day": 3}, "day"),
        ({"day": "2023-01-01"}, "day"),
        ({"series": 1}, "series"),
        ({"series": -1}, "series"),
        ({"compare": "previous"}, "compare"),
        ({"breakdown": "big"}, "breakdown"),
        ({"breakdown": "[1,2,3]"}, "breakdown"),
        ({"breakdown": ("a", "b", "c")}, "breakdown"),
    ],
)
def test_a_number_that_is_not_there_is_refused(asked: dict[str, Any], attr: str) -> None:
    made = plan(
        dateRange=DATES, breakdownFilter={"breakdown": "n", "breakdown_histogram_bin_count": 3}
    )
    with pytest.raises(InvalidQuery) as refused:
        at(made, **asked)
    assert (refused.value.code, refused.value.attr) == ("invalid_input", attr)


def test_a_cohort_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(InvalidQuery):
        row(6, breakdown=[5], breakdown_type="cohort")
