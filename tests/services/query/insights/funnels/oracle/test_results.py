"""Whole answers of many actors: funnels.md sections 6 and 7, pending of section 12."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.events.breakdown import ExpressionKey
from services.query.insights.funnels.oracle.conversion_times import (
    Bins,
    bin_starts,
    time_to_convert,
)
from services.query.insights.funnels.oracle.people import actors, outcomes
from services.query.insights.funnels.oracle.steps import (
    StepRow,
    steps,
    steps_by_cohort,
    total_median_conversion_time,
)
from services.query.insights.funnels.plan import MOST_ROWS, TimesView
from tests.funnels.stories import BY_PROPERTY, START, crowd


def test_times_are_means_and_medians_of_those_who_took_any() -> None:
    plan, histories = crowd("A B", "A0 B1", "A0 B3", "A0 B8", "A0 B0", "A0")
    (group,) = steps(plan, histories)
    assert group.steps == (StepRow(5, None, None, 0), StepRow(4, 4.0, 3.0, 0))
    assert total_median_conversion_time(plan, histories) == 2.0


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    plan, histories = crowd("A B", "A0 B1", "A0 B3", "A0 B4", "A0 B8")
    assert steps(plan, histories)[0].steps[1].median_conversion_time == 3.5


def test_nobody_gives_zeros_without_a_breakdown_and_nothing_with_one() -> None:
    plan, histories = crowd("A B", "B0=x")
    assert [row.count for row in steps(plan, histories)[0].steps] == [0, 0]
    plan, histories = crowd("A B", "B0=x", breakdown=BY_PROPERTY)
    assert steps(plan, histories) == []


def test_a_required_step_is_timed_from_the_required_step_before() -> None:
    plan, histories = crowd("A B C", "A0 B2 C7", "A0 C1", optional=[2])
    rows = steps(plan, histories)[0].steps
    assert [row.count for row in rows] == [2, 1, 2]
    assert [row.average_conversion_time for row in rows] == [None, None, 4.0]


def test_dropped_is_having_the_last_required_step_before_and_not_this() -> None:
    plan, histories = crowd("A B C", "A0 B2 C5", "A0 C1", "A0 B1", "A0", optional=[2])
    found = outcomes(plan, histories)
    assert actors(plan, found, 3) == ["1", "2"]
    assert actors(plan, found, -2) == ["2", "4"]
    assert actors(plan, found, -3) == ["3", "4"]


def test_rows_are_sorted_by_their_last_count_then_the_one_before_then_by_value() -> None:
    plan, histories = crowd(
        "A B", "A0=p", "A0=q B1=q", "A0=r", "A0=r", "A0=o", "A0=q B1=q", breakdown=BY_PROPERTY
    )
    assert [g.value for g in steps(plan, histories)] == [("q",), ("r",), ("o",), ("p",)]


def test_values_beyond_the_limit_are_pooled_in_other_sorted_among_the_rest() -> None:
    breakdown = msgspec.structs.replace(BY_PROPERTY, limit=2)
    plan, histories = crowd(
        "A B", "A0=x B1=x", "A0=x B3=x", "A0=y B1=y", "A0=z B2=z", "A0=w B8=w", breakdown=breakdown
    )
    assert [(g.value, g.steps[1]) for g in steps(plan, histories)] == [
        (("x",), StepRow(2, 2.0, 2.0, 0)),
        (("Other",), StepRow(2, 1.5, 1.5, 0)),
        (("w",), StepRow(1, 8.0, 8.0, 0)),
    ]


def test_a_value_keeps_its_row_by_how_many_begin_with_it() -> None:
    """Rows are sorted by the last step all the same: a lucky value of one actor is among Other."""
    breakdown = msgspec.structs.replace(BY_PROPERTY, limit=2)
    histories_of = ("A0=one B1=one", *("A0=many",) * 3, *("A0=some",) * 2)
    plan, histories = crowd("A B", *histories_of, breakdown=breakdown)
    found = [(g.value, g.steps[0].count, g.steps[1].count) for g in steps(plan, histories)]
    assert found == [(("Other",), 1, 1), (("many",), 3, 0), (("some",), 2, 0)]


def test_other_is_last_among_equals() -> None:
    breakdown = msgspec.structs.replace(BY_PROPERTY, limit=1)
    plan, histories = crowd("A B", "A0=x", "A0=y", breakdown=breakdown)
    assert [g.value for g in steps(plan, histories)] == [("x",), ("Other",)]


def test_expressions_keep_their_first_hundred_rows_and_no_other() -> None:
    breakdown = msgspec.structs.replace(
        BY_PROPERTY, keys=(ExpressionKey("properties.plan"),), limit=MOST_ROWS
    )
    plan, histories = crowd("A B", *(f"A0=v{i:03}" for i in range(101)), breakdown=breakdown)
    values = [g.value for g in steps(plan, histories)]
    assert (len(values), values[-1]) == (100, ("v099",))


def test_cohorts_count_their_members() -> None:
    plan, histories = crowd("A B", "A0 B1", "A0")
    members = {7: {"1": histories["1"]}, 0: histories, 8: {}}
    groups = steps_by_cohort(plan, members)
    assert [(g.value, [r.count for r in g.steps]) for g in groups] == [
        (("0",), [2, 1]),
        (("7",), [1, 1]),
    ]


def test_pending_may_still_convert() -> None:
    now = START + timedelta(seconds=12)
    plan, histories = crowd("A B C", "A1", "A3", "A3 B4", "A3 B4 C5", "A2", now=now)
    rows = steps(plan, histories)[0].steps
    assert [row.pending_count for row in rows] == [0, 1, 1]


def test_who_passed_an_optional_step_over_does_not_wait_for_it() -> None:
    now = START + timedelta(seconds=12)
    plan, histories = crowd("A B C", "A3 C4", "A3", optional=[2], now=now)
    rows = steps(plan, histories)[0].steps
    assert [row.pending_count for row in rows] == [0, 1, 1]


def test_pending_ends_with_the_date_range() -> None:
    plan, histories = crowd("A B", "A3", date_to=START + timedelta(seconds=13))
    assert steps(plan, histories)[0].steps[1].pending_count == 0


def test_sampling_scales_counts_and_not_times() -> None:
    plan, histories = crowd("A B", "A0 B4", "A0", "A0", sample=0.4)
    assert steps(plan, histories)[0].steps == (StepRow(8, None, None, 0), StepRow(2, 4.0, 4.0, 0))


def times(steps: str, *histories: str, from_step: int = 1, **rules: Any) -> Bins:
    """How long they took to the last step."""
    view = TimesView(from_step=from_step, to_step=len(steps.split()))
    plan, found = crowd(steps, *histories, view=view, **rules)
    return time_to_convert(plan, view, found)


def test_bins_of_one_to_eight_seconds() -> None:
    found = times("A B", *(f"A0 B{second}" for second in range(1, 9)))
    assert found.bins == ((1, 4), (5, 4), (9, 0))


def test_bins_of_one_sample() -> None:
    assert times("A B", "A0 B36", window=60).bins == ((36, 1), (96, 0))


def test_bins_of_nobody() -> None:
    found = times("A B", "A0")
    assert found.bins == ((0, 0), (60, 0))
    assert (found.average_conversion_time, found.median_conversion_time) == (None, None)


def test_the_sample_has_its_zeros_and_only_its_steps() -> None:
    found = times("A B C", "A0 B1 C1", "A0 B1 C4", "A0 B1", from_step=2)
    assert (found.average_conversion_time, found.median_conversion_time) == (1.5, 1.5)


@pytest.mark.parametrize(
    ("sample", "asked", "bins"),
    [(64, None, 4), (65, None, 5), (1, None, 1), (64, 0, 4), (64, 7, 7), (64, 500, 90)],
)
def test_how_many_bins(sample: int, asked: int | None, bins: int) -> None:
    times = [second * 1_000_000 for second in range(sample)]
    assert len(bin_starts(times, asked)) == bins + 1


@given(st.lists(st.integers(0, 10**8), min_size=1), st.integers(0, 100))
def test_every_time_is_in_a_bin(times: list[int], asked: int) -> None:
    starts = bin_starts(times, asked)
    width = starts[1] - starts[0]
    assert starts[0] * 1_000_000 <= min(times)
    assert max(times) < (starts[-1] + width) * 1_000_000
