"""Trends: funnels.md section 7, one actor and whole answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.query.insights.funnels.oracle import periods as oracle
from services.query.insights.funnels.oracle.people import Histories
from services.query.insights.funnels.periods import periods as periods_of
from services.query.insights.funnels.plan import FunnelPlan, TrendView
from tests.funnels.stories import BY_PROPERTY, START, crowd

HOUR = 3600


def trends(plan: FunnelPlan, histories: Histories) -> list[oracle.Trend]:
    return oracle.trends(plan, view(plan), histories)


def view(plan: FunnelPlan) -> TrendView:
    assert isinstance(plan.view, TrendView)
    return plan.view


def periods(steps: str, history: str, **rules: Any) -> list[tuple[int, int]]:
    """(entered, converted) of one actor in each of three hours."""
    rules = {"window": 2 * HOUR, "interval": "hour"} | rules
    end = START + timedelta(hours=3, microseconds=-1)
    (line,) = trends(*crowd(steps, history, viz="trends", date_to=end, **rules))
    return list(zip(line.entered, line.converted, strict=True))


def test_an_actor_counts_once_per_period_but_in_as_many_as_it_enters() -> None:
    assert periods("A B", "A0 B5 A10 B15 A3600 A7200 B7300") == [(1, 1), (1, 1), (1, 1)]
    assert periods("A B", "A0 A3600 B3700", window=1000) == [(1, 0), (1, 1), (0, 0)]


def test_a_later_step_continues_every_open_entry() -> None:
    assert periods("A B", "A0 A3600 B7200") == [(1, 1), (1, 1), (0, 0)]


def test_a_converted_period_ignores_further_first_steps() -> None:
    assert periods("A B", "A0 B1 A2") == [(1, 1), (0, 0), (0, 0)]


def test_from_and_to_are_any_two_steps() -> None:
    assert periods("A B C", "A0 B1", from_step=1, to_step=2) == [(1, 1), (0, 0), (0, 0)]
    assert periods("A B C", "A0", from_step=2, to_step=3) == [(0, 0)] * 3
    assert periods("A B C", "A0 B1", from_step=2, to_step=3) == [(1, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("history", "first_hour"),
    [
        ("A0 X1", (0, 0)),  # marked partly
        ("A0 X1 A2", (1, 0)),  # a new entry
        ("A0 X1 A2 B3", (1, 1)),
        ("A0 X1 B2", (0, 0)),  # marked wholly
        ("A0 B1 X2", (1, 1)),  # past it
    ],
)
def test_exclusions_mark_the_entry(history: str, first_hour: tuple[int, int]) -> None:
    assert periods("A B", history, exclusions=[("X", 0, 1)])[0] == first_hour


def test_a_partly_marked_entry_is_clean_again_by_a_newer_attempt_only() -> None:
    exclusions = [("X", 1, 2)]
    assert periods("A B C", "A0 B1 X2 A3 B4", exclusions=exclusions)[0] == (1, 0)
    assert periods("A B C", "A0 B1 X2 B3 C4", exclusions=exclusions)[0] == (0, 0)


def test_an_exclusion_long_after_the_deepest_step_marks_nothing() -> None:
    exclusions = [("X", 0, 1)]
    assert periods("A B", "A0 A3000 X3500", exclusions=exclusions, window=HOUR)[0] == (0, 0)
    assert periods("A B", "A0 A3000 X3700", exclusions=exclusions, window=HOUR)[0] == (1, 0)


def test_a_converted_period_marks_nothing() -> None:
    assert periods("A B", "A0 B1 A2 X3 B4 A3600", exclusions=[("X", 0, 1)]) == [
        (1, 1),
        (1, 0),
        (0, 0),
    ]


def test_one_wholly_marked_entry_hides_every_open_one() -> None:
    exclusions = [("X", 0, 1)]
    assert periods("A B", "A0 X1 B2 A3600", exclusions=exclusions) == [(0, 0), (0, 0), (0, 0)]
    assert periods("A B", "A0 X1 B2 A3600 B3601", exclusions=exclusions) == [(0, 0), (1, 1), (0, 0)]


def test_strict_clears_every_entry() -> None:
    assert periods("A B", "A0 U1 B2", order="strict")[0] == (1, 0)
    assert periods("A B", "A0 B2", order="strict")[0] == (1, 1)


def test_in_a_tie_exclusions_come_first_then_unrelated_events() -> None:
    assert periods("A B", "A0 X0 B1", exclusions=[("X", 0, 1)])[0] == (1, 1)
    assert periods("A B", "A0 U0 B1", order="strict")[0] == (1, 1)
    assert periods("A B", "A0 U1 X1", order="strict", exclusions=[("X", 0, 1)])[0] == (0, 0)
    assert periods("A B", "A0 B1 U1", order="strict")[0] == (1, 0)


def test_in_a_tie_lower_steps_come_first() -> None:
    assert periods("A B", "B0 A0")[0] == (1, 1)


def test_unordered_a_step_left_behind_fails_in_its_own_period() -> None:
    assert periods("A B", "A0 B3600", order="unordered") == [(1, 1), (1, 0), (0, 0)]
    assert periods("A B", "A0 B1", order="unordered") == [(1, 1), (0, 0), (0, 0)]
    assert periods("A B", "A0 X1 B2", order="unordered", exclusions=[("X", 0, 1)])[0] == (1, 0)


def test_the_rate_is_rounded_to_two_places() -> None:
    plan, histories = crowd("A B", "A0 B1", "A0", "A0", viz="trends", date_to=START)
    (line,) = trends(plan, histories)
    assert line.data == (33.33,)


def test_pending_entries_may_still_convert() -> None:
    now = START + timedelta(hours=3)
    plan, histories = crowd(
        "A B", "A0", "A3601", "A7200 B7201", window=2 * HOUR, interval="hour", viz="trends",
        date_to=now, now=now,
    )  # fmt: skip
    (line,) = trends(plan, histories)
    assert (line.entered, line.pending) == ((1, 1, 1, 0), (0, 1, 0, 0))


def test_periods_whose_window_is_open_may_be_left_out() -> None:
    now = START + timedelta(days=3)
    plan, histories = crowd(
        "A B", "A0", window=86_400, viz="trends", date_to=now, now=now, hide_incomplete=True
    )
    (line,) = trends(plan, histories)
    assert (line.count, line.days) == (2, ("2024-01-01", "2024-01-02"))


def test_the_values_with_most_entrants_keep_a_line_the_higher_among_equals() -> None:
    breakdown = msgspec.structs.replace(BY_PROPERTY, limit=2)
    plan, histories = crowd(
        "A B", "A0=x", "A0=y", "A0=z", "A0=z", "B0=w", viz="trends", breakdown=breakdown
    )
    assert [line.value for line in trends(plan, histories)] == [("y",), ("z",)]


@pytest.mark.parametrize(
    ("interval", "since", "until", "days", "labels"),
    [
        ("day", "2024-01-31", "2024-02-01", ["2024-01-31", "2024-02-01"],
         ["31-Jan-2024", "1-Feb-2024"]),
        ("hour", "2024-01-31T05", "2024-01-31T05", ["2024-01-31 05:00:00"], ["31-Jan 05:00"]),
        ("month", "2024-01-31", "2024-01-31", ["2024-01-01"], ["Jan 2024"]),
        ("week", "2024-01-07", "2024-01-13", ["2024-01-07"], ["7–13 Jan"]),
        ("week", "2024-01-08", "2024-01-15", ["2024-01-07", "2024-01-14"],
         ["8–13 Jan", "14–15 Jan"]),
        ("week", "2024-01-28", "2024-02-03", ["2024-01-28"], ["28-Jan – 3-Feb"]),
        ("week", "2024-12-29", "2025-01-04", ["2024-12-29"], ["29-Dec-2024 – 4-Jan-2025"]),
        ("week", "2024-01-09", "2024-01-09", ["2024-01-07"], ["9-Jan-2024"]),
    ],
)  # fmt: skip
def test_periods_and_labels(
    interval: str,
    since: str,
    until: str,
    days: list[str],
    labels: list[str],
) -> None:
    plan, histories = crowd(
        "A B", "A0", viz="trends", interval=interval,
        date_from=moment(since),
        date_to=moment(until),
    )  # fmt: skip
    (line,) = trends(plan, histories)
    assert (list(line.days), list(line.labels)) == (days, labels)


def moment(text: str) -> datetime:
    """A day, or a day and an hour, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_weeks_may_start_on_monday() -> None:
    plan, histories = crowd(
        "A B", "A0", viz="trends", interval="week", week_starts_monday=True, date_to=START
    )
    assert trends(plan, histories)[0].days == ("2024-01-01",)


def test_periods_are_of_the_projects_zone_across_a_change_of_clocks() -> None:
    plan, histories = crowd(
        "A B", "A0", viz="trends", timezone="Europe/Berlin",
        date_from=datetime(2024, 3, 30, 23, tzinfo=UTC),
        date_to=datetime(2024, 4, 1, 21, tzinfo=UTC),
    )  # fmt: skip
    assert trends(plan, histories)[0].days == ("2024-03-31", "2024-04-01")


@pytest.mark.parametrize(
    ("midnight", "minutes"),
    [
        # 02:00 becomes 02:30: nothing is left of the hour but its half.
        (datetime(2026, 10, 3, 13, 30, tzinfo=UTC), [0, 60, 120, 150]),
        # 02:00 becomes 01:30: the hour before goes on.
        (datetime(2026, 4, 4, 13, tzinfo=UTC), [0, 60, 150, 210]),
    ],
)
def test_hours_are_full_ones_where_clocks_change_by_half_an_hour(
    midnight: datetime, minutes: list[int]
) -> None:
    plan, histories = crowd(
        "A B", "A0", viz="trends", interval="hour", timezone="Australia/Lord_Howe",
        date_from=midnight,
        date_to=midnight + timedelta(minutes=minutes[-1]),
    )  # fmt: skip
    days = [day[11:] for day in trends(plan, histories)[0].days]
    assert days == ["00:00:00", "01:00:00", "02:00:00", "03:00:00"]
    served = periods_of(plan, view(plan))
    assert [period.day[11:] for period in served] == days
    assert [(period.start - midnight) // timedelta(minutes=1) for period in served] == minutes
