"""Worked examples of trends: section 17 of trends.md, and one for each rule of section 4 and 5."""

import pytest

from tests.trends.stories import (
    VIEWED,
    at,
    behind,
    counted,
    data,
    february,
    record,
    rows,
    trends,
    world,
)

BROWSERS = world(
    *(at(person, "02-01 08:00", browser="Chrome") for person in ("u1", "u2", "u3")),
    at("u1", "02-01 09:00", browser="Firefox"),
    at("u1", "02-01 09:30", browser="Safari"),
    at("u4", "02-01 10:00", browser="Safari"),
    at("u4", "02-02 08:00", browser="Edge"),
    at("u4", "02-02 09:00", browser="Opera"),
)
ONE_BROWSER = {"breakdown": "browser", "breakdown_limit": 1}
OTHER = "$$_posthog_breakdown_other_$$"


def test_people_by_browser_with_one_row_and_other() -> None:
    plan = trends(counted("dau"), dateRange=february(1, 2), breakdownFilter=ONE_BROWSER)
    chrome, other = rows(plan, BROWSERS)
    assert chrome == {
        "label": "Chrome",
        "breakdown_value": "Chrome",
        "order": 0,
        "data": [3, 0],
        "count": 3,
        "days": ["2024-02-01", "2024-02-02"],
        "labels": ["1-Feb-2024", "2-Feb-2024"],
        "action": {
            "id": "$pageview",
            "type": "events",
            "order": 0,
            "name": "$pageview",
            "custom_name": None,
            "math": "dau",
            "math_property": None,
            "math_hogql": None,
            "math_group_type_index": None,
            "properties": {},
            "days": ["2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z"],
        },
    }
    # Whoever used two of the other browsers is one person there.
    assert (other["label"], other["data"], other["count"]) == (OTHER, [2, 1], 3)


def test_the_same_as_one_value() -> None:
    plan = trends(
        counted("dau"),
        dateRange=february(1, 2),
        breakdownFilter=ONE_BROWSER,
        trendsFilter={"display": "BoldNumber"},
    )
    chrome, other = rows(plan, BROWSERS)
    assert (chrome["label"], chrome["aggregated_value"]) == ("Chrome", 3)
    assert (chrome["data"], chrome["days"], chrome["count"]) == ([], [], 0)
    assert other["aggregated_value"] == 2


def test_the_people_of_other_are_those_of_its_row() -> None:
    plan = trends(counted("dau"), dateRange=february(1, 2), breakdownFilter=ONE_BROWSER)
    assert behind(plan, BROWSERS, breakdown=OTHER, day="2024-02-01") == {"u1": 2, "u4": 1}
    assert behind(plan, BROWSERS, breakdown=OTHER) == {"u4": 3, "u1": 2}
    assert set(behind(plan, BROWSERS, breakdown="Chrome")) == {"u1", "u2", "u3"}


# Section 4, row by row

BOUGHT = world(
    at("ann", "01-30", amount=1, session="s0"),
    at("ann", "02-01 08:00", amount=3, session="s1"),
    at("ann", "02-01 09:00", amount="4.5", session="s1"),
    at("bob", "02-01 10:00", amount=True, groups={0: "acme"}),
    at("bob", "02-02 10:00", amount="x", groups={0: "acme"}),
    at("cat", "02-02 11:00", amount=10, groups={0: "acme"}, session="s2"),
    at("cat", "02-02 12:00", "$other", amount=99),
    persons={"ann": record("01-01", age=30), "bob": record("01-01", age="40")},
)


@pytest.mark.parametrize(
    ("math", "of", "numbers"),
    [
        ("total", {}, [3, 2, 0]),
        ("dau", {}, [2, 2, 0]),
        ("dau", {"math_group_type_index": 0}, [1, 1, 0]),
        ("unique_group", {"math_group_type_index": 0}, [1, 1, 0]),
        ("unique_session", {}, [2, 2, 0]),
        ("sum", {}, [3, 2, 0]),
        ("sum", {"math_property": "amount"}, [7.5, 10, 0]),
        ("avg", {"math_property": "amount"}, [3.75, 10, 0]),
        ("min", {"math_property": "amount"}, [3, 10, 0]),
        ("max", {"math_property": "amount"}, [4.5, 10, 0]),
        ("p75", {"math_property": "amount"}, [4.125, 10, 0]),
        ("sum", {"math_property": "age", "math_property_type": "person_properties"}, [100, 40, 0]),
        ("avg_count_per_actor", {}, [1.5, 1, 0]),
        ("max_count_per_actor", {}, [2, 1, 0]),
        ("median_count_per_actor", {"math_group_type_index": 0}, [1, 2, 0]),
        ("hogql", {"math_hogql": "sum(properties.amount) / count()"}, [2.5, 5, 0]),
        ("hogql", {"math_hogql": "uniq(person_id) * 2"}, [4, 4, 0]),
        ("total", {"math_multiplier": 0.5}, [1.5, 1, 0]),
    ],
)
def test_each_math_of_three_days(math: str, of: dict[str, object], numbers: list[float]) -> None:
    plan = trends(counted(math, **of), dateRange=february(1, 3))
    assert data(plan, BOUGHT) == numbers


@pytest.mark.parametrize(
    ("math", "of", "number"),
    [
        ("total", {}, 5),
        ("dau", {}, 3),
        ("avg", {"math_property": "amount"}, 17.5 / 3),
        ("max_count_per_actor", {}, 2),
        ("avg_count_per_actor", {}, 5 / 3),
    ],
)
def test_the_same_as_one_value_over_the_whole_range(
    math: str, of: dict[str, object], number: float
) -> None:
    shown = {"display": "BoldNumber"}
    plan = trends(counted(math, **of), dateRange=february(1, 3), trendsFilter=shown)
    assert data(plan, BOUGHT) == pytest.approx(number)


def test_a_session_is_told_whole_and_once_in_each_period() -> None:
    lasting = world(
        at("ann", "01-31 23:00", "$start", session="s"),
        at("ann", "02-01 01:00", session="s"),
        at("ann", "02-01 02:00", session="s"),
        at("ann", "02-02 02:00", session="s"),
        at("bob", "02-02 02:00", session="t"),
        at("bob", "02-02 03:00"),
    )
    series = counted("sum", math_property="$session_duration")
    hours = [seconds / 3600 for seconds in data(trends(series, dateRange=february(1, 2)), lasting)]
    assert hours == [27, 27]
    whole = trends(series, dateRange=february(1, 2), trendsFilter={"display": "BoldNumber"})
    assert data(whole, lasting) == 27 * 3600


def test_weekly_active_looks_before_the_range_and_never_past_it() -> None:
    active = world(at("ann", "01-25"), at("bob", "01-26"), at("cat", "02-02 23:59:59.999999"))
    weekly = counted("weekly_active")
    # The window of 31 January begins on the 25th, that of 1 February on the 26th.
    plan = trends(weekly, dateRange={"date_from": "2024-01-31", "date_to": "2024-02-02"})
    assert data(plan, active) == [2, 1, 1]
    assert behind(plan, active, day="2024-01-31") == {"bob": 1, "ann": 1}
    until = {"date_from": "2024-02-02", "date_to": "2024-02-02T12:00:00", "explicitDate": True}
    assert data(trends(weekly, dateRange=until), active) == [0]
    number = trends(weekly, dateRange=february(2, 2), trendsFilter={"display": "BoldNumber"})
    assert data(number, active) == 1
    assert behind(number, active) == {"cat": 1}


def test_weekly_active_of_hours_is_of_168_hours() -> None:
    active = world(at("ann", "02-01 10:59:59"), at("bob", "02-01 11:00"))
    dates = {"date_from": "2024-02-08T10:00:00", "date_to": "2024-02-08T11:00:00"}
    plan = trends(counted("weekly_active"), dateRange=dates, interval="hour")
    assert data(plan, active) == [1, 0]


FIRSTS = world(
    at("ann", "01-15", plan="free"),
    at("ann", "02-01", plan="paid"),
    at("bob", "02-01 10:00", plan="free"),
    at("bob", "02-02", plan="paid"),
    at("cat", "02-02 10:00", plan="paid"),
    at("cat", "02-02 10:00", plan="free"),
    at("dan", "02-02", "$other"),
)
PAID = [{"key": "plan", "value": "paid"}]


def test_a_first_time_ignores_filters_and_a_first_match_does_not() -> None:
    first = counted("first_time_for_user", properties=PAID)
    # Of cat's two first ones, at one instant, one is of a paid plan; nobody else's is.
    assert data(trends(first, dateRange=february(1, 2)), FIRSTS) == [0, 1]
    matching = counted("first_matching_event_for_user", properties=PAID)
    assert data(trends(matching, dateRange=february(1, 2)), FIRSTS) == [1, 2]
    anybody = counted("first_time_for_user")
    assert data(trends(anybody, dateRange=february(1, 2)), FIRSTS) == [1, 1]


def test_breakdowns_of_a_first_time_read_that_event() -> None:
    plan = trends(
        counted("first_matching_event_for_user"),
        dateRange=february(1, 2),
        breakdownFilter={"breakdown": "plan"},
    )
    assert data(plan, FIRSTS) == {"free": [1, 0], "paid": [0, 1]}


# Section 5

RETURNING = world(
    at("ann", "02-01"), at("ann", "02-02"), at("bob", "02-02"), at("ann", "02-03"),
    at("cat", "02-03"),
)  # fmt: skip
CUMULATIVE = {"display": "ActionsLineGraphCumulative"}


def test_cumulative_people_count_once_at_their_first_day() -> None:
    plan = trends(counted("dau"), dateRange=february(1, 3), trendsFilter=CUMULATIVE)
    (row,) = rows(plan, RETURNING)
    assert (row["data"], row["count"]) == ([1, 2, 3], 3)
    assert behind(plan, RETURNING, day="2024-02-03") == {"cat": 1}
    total = trends(dateRange=february(1, 3), trendsFilter=CUMULATIVE)
    assert data(total, RETURNING) == [1, 3, 5]
    weekly = trends(counted("weekly_active"), dateRange=february(1, 3), trendsFilter=CUMULATIVE)
    assert data(weekly, RETURNING) == [1, 3, 6]


def test_smoothing_floors_the_mean_after_cumulation() -> None:
    smoothed = {"smoothingIntervals": 2}
    (row,) = rows(trends(dateRange=february(1, 3), trendsFilter=smoothed), RETURNING)
    assert (row["data"], row["count"]) == ([1, 1, 2], 4)
    both = trends(dateRange=february(1, 3), trendsFilter=CUMULATIVE | smoothed)
    assert data(both, RETURNING) == [1, 2, 4]


def test_a_box_plot_has_a_row_for_each_series_and_day() -> None:
    series = counted("avg", math_property="amount", custom_name="Spent")
    found = rows(
        trends(series, dateRange=february(1, 3), trendsFilter={"display": "BoxPlot"}), BOUGHT
    )
    assert found[0] == {
        "day": "2024-02-01", "label": "1-Feb-2024", "min": 3, "p25": 3.375, "median": 3.75,
        "p75": 4.125, "max": 4.5, "mean": 3.75, "series_index": 0, "series_label": "Spent - amount",
    }  # fmt: skip
    assert [row["day"] for row in found] == ["2024-02-01", "2024-02-02", "2024-02-03"]
    assert (found[2]["min"], found[2]["mean"]) == (0, 0)


def test_an_unknown_action_has_no_row_and_the_others_keep_their_order() -> None:
    plan = trends({"kind": "ActionsNode", "id": 9}, VIEWED, dateRange=february(1, 3))
    (row,) = rows(plan, RETURNING)
    assert (row["order"], row["action"]["order"], row["data"]) == (1, 1, [1, 2, 2])


def test_merged_persons_are_one_and_their_events_stay() -> None:
    merged = world(at("ann", "02-01"), at("bob", "02-01"), merged={"bob": "ann"})
    assert data(trends(dateRange=february(1, 1)), merged) == [2]
    assert data(trends(counted("dau"), dateRange=february(1, 1)), merged) == [1]


def test_an_event_at_the_end_of_a_period_belongs_to_the_next() -> None:
    edges = world(at("a", "01-31 23:59:59.999999"), at("a", "02-01"), at("a", "02-02"))
    assert data(trends(dateRange=february(1, 1)), edges) == [1]
    assert data(trends(dateRange=february(1, 2)), edges) == [1, 1]


def test_a_range_that_ends_before_it_begins_has_a_row_without_points() -> None:
    (row,) = rows(trends(dateRange=february(2, 1)), RETURNING)
    assert (row["data"], row["days"], row["count"]) == ([], [], 0)


def test_days_of_the_week_that_do_not_count_leave_no_point() -> None:
    # 1 February 2024 is a Thursday.
    plan = trends(dateRange=february(1, 3, daysOfWeek=[4, 6]))
    (row,) = rows(plan, RETURNING)
    assert (row["data"], row["days"]) == ([1, 2], ["2024-02-01", "2024-02-03"])
