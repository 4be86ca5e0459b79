"""Ordered and strict funnels, against every example that funnels.md section 5 gives."""

from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.insights.funnels.oracle import OracleEvent
from services.query.insights.funnels.oracle.attempts import reported
from tests.funnels.stories import funnel, told

X_EXCLUDES_ALL = (("X", 0, 1),)


def taken(steps: str, history: str, **rules: Any) -> list[int]:
    """The steps the actor counts in."""
    attempt = reported(*told(steps, history, **rules))
    return [step.step for step in attempt.path] if attempt else []


def seconds(steps: str, history: str, **rules: Any) -> list[float]:
    """Times between the steps the actor counts in."""
    attempt = reported(*told(steps, history, **rules))
    at = [step.at_us / 1_000_000 for step in attempt.path] if attempt else []
    return [b - a for a, b in pairwise(at)]


@pytest.mark.parametrize(
    ("history", "order", "depth", "times"),
    [
        ("A0 B10 C11", "ordered", 2, [10]),
        ("A0 B7 A8 B9 C18", "ordered", 3, [1, 9]),
        ("A0 B7 A20 B22", "ordered", 2, [7]),
        ("A0 U1 B2", "strict", 1, []),
        ("A0 A1 B2", "strict", 2, [1]),
        ("A0 B1 A2 C3", "strict", 2, [1]),
    ],
)
def test_the_table_of_the_spec(history: str, order: str, depth: int, times: list[float]) -> None:
    assert taken("A B C", history, order=order) == list(range(1, depth + 1))
    assert seconds("A B C", history, order=order) == times


def test_the_end_belongs_to_the_window() -> None:
    assert taken("A B", "A0 B10") == [1, 2]
    assert taken("A B", "A0 B10.000001") == [1]


def test_the_whole_funnel_must_fit_in_one_window() -> None:
    assert taken("A B C", "A0 B6 C12") == [1, 2]


def test_a_first_step_starts_a_new_attempt_and_harms_no_older_one() -> None:
    assert seconds("A B C", "A0 B1 A2 C3") == [1, 2]


def test_a_later_step_continues_the_newest_attempt_with_the_earliest_event() -> None:
    assert seconds("A B", "A0 A3 B5 B6") == [2]


def test_among_equally_deep_attempts_the_first_to_get_there_is_reported() -> None:
    assert seconds("A B C", "A0 B4 A5 B6") == [4]


def test_one_event_name_as_two_steps_needs_two_events() -> None:
    assert taken("A A", "A0") == [1]
    assert seconds("A A", "A0 A3") == [3]


def test_equal_timestamps_will_do() -> None:
    assert seconds("A A", "A0 A0") == [0]
    assert taken("A A A", "A0 A0 A0") == [1, 2, 3]


@pytest.mark.parametrize(
    ("history", "counts_in"),
    [
        ("A0 X1", []),
        ("A0 X1 B2", []),
        ("A0 X1 B2 A3 B4", [1, 2]),
        ("A0 X1 B2 A3", []),
        ("A0 X11 B12 A13", [1]),  # X after the window
        ("X0 A1 B2", [1, 2]),  # before A
        ("A0 B1 X2", [1, 2]),  # after B
    ],
)
def test_an_exclusion_spoils_the_attempt_it_stands_in(history: str, counts_in: list[int]) -> None:
    assert taken("A B", history, exclusions=X_EXCLUDES_ALL) == counts_in


def test_an_exclusion_bars_only_the_way_it_stands_in() -> None:
    assert taken("A B C", "A0 X1 B2 C3", exclusions=[("X", 1, 2)]) == [1, 2, 3]
    assert taken("A B C", "A0 B1 X2 C3", exclusions=[("X", 1, 2)]) == []


def test_a_spoilt_attempt_does_not_end_the_search() -> None:
    assert seconds("A B C", "A0 B1 X2 C3 A4 B5 C9", exclusions=[("X", 1, 2)]) == [1, 4]


def test_the_best_attempt_is_spoilt_too_while_its_window_is_open() -> None:
    assert taken("A B", "A0 A5 X6", exclusions=X_EXCLUDES_ALL) == []
    assert taken("A B", "A0 A20 X21", exclusions=X_EXCLUDES_ALL) == [1]


def test_an_attempt_that_is_past_the_exclusion_is_not_spoilt_by_it() -> None:
    assert taken("A B C", "A0 B1 X2 C3", exclusions=[("X", 0, 1)]) == [1, 2, 3]


@pytest.mark.parametrize("order", ["ordered", "strict"])
@pytest.mark.parametrize("history", ["A0 B0", "B0 A0"])
def test_simultaneous_events_convert_whatever_their_order(history: str, order: str) -> None:
    assert seconds("A B", history, order=order) == [0]


def test_in_a_mixed_tie_exclusions_are_ignored() -> None:
    assert taken("A B", "A0 X0 B1", exclusions=X_EXCLUDES_ALL) == [1, 2]
    assert taken("A B", "A0 X1 B1", exclusions=X_EXCLUDES_ALL) == [1, 2]


def test_in_a_mixed_tie_an_unrelated_event_breaks_nothing() -> None:
    assert taken("A B", "A0 U0 B1", order="strict") == [1, 2]


def test_in_a_mixed_tie_one_event_never_serves_twice() -> None:
    assert taken("A B", "AB0 U0", order="strict") == [1]
    assert taken("A B C", "AB0 C0") == [1]
    assert taken("A B C", "AB0 BC0 C0") == [1, 2, 3]


def test_a_mixed_tie_is_matched_by_step_then_uuid() -> None:
    assert taken("A B", "A0 AB0") == [1, 2]
    assert taken("A B", "AB0 A0") == [1]


def test_events_at_different_microseconds_are_no_tie() -> None:
    assert taken("A B", "B0 A0.000001") == [1]


def test_an_optional_step_may_be_passed_over() -> None:
    assert taken("A B C", "A0 C2", optional=[2]) == [1, 3]
    assert taken("A B C", "A0 B1 C2", optional=[2]) == [1, 2, 3]
    assert taken("A B C D", "A0 D2", optional=[2, 3]) == [1, 4]


def test_an_optional_step_out_of_its_window_is_passed_over() -> None:
    assert taken("A B C", "A0 B1 A9 C15", optional=[2]) == [1, 3]


def test_an_exclusion_reaches_back_over_an_optional_step() -> None:
    assert taken("A B C", "A0 X1 C2", optional=[2], exclusions=[("X", 0, 2)]) == []
    assert taken("A B C", "A0 X1", optional=[2], exclusions=[("X", 0, 2)]) == []
    assert taken("A B C", "A0 X1", optional=[2], exclusions=[("X", 1, 2)]) == []


def test_strict_lets_an_optional_step_be_passed_over() -> None:
    assert taken("A B C", "A0 C1", optional=[2], order="strict") == [1, 3]
    assert taken("A B C", "A0 U1 C2", optional=[2], order="strict") == [1]


pools = st.lists(st.frozensets(st.integers(1, 4), min_size=1), min_size=1, max_size=4)
instants = st.integers(0, 14)


@given(st.data())
def test_depth_is_the_longest_rising_choice_that_fits_a_window(data: st.DataObject) -> None:
    """Without exclusions and mixed ties: all events of one instant match the same steps."""
    pool = data.draw(pools)
    of_instant = {at: data.draw(st.sampled_from(pool)) for at in range(15)}
    at = sorted(data.draw(st.lists(instants, max_size=9)))
    history = [OracleEvent(t * 1_000_000, UUID(int=i), of_instant[t]) for i, t in enumerate(at)]

    attempt = reported(funnel("A B C D", window=5), history)

    assert (attempt.depth if attempt else 0) == longest_choice(history, steps=4, window=5)


def longest_choice(history: list[OracleEvent], steps: int, window: int) -> int:
    """Tries every choice of events."""
    return max(
        (
            k
            for k in range(1, steps + 1)
            for choice in combinations(history, k)
            if choice[-1].at_us - choice[0].at_us <= window * 1_000_000
            if all(step in event.steps for step, event in enumerate(choice, start=1))
        ),
        default=0,
    )


@given(st.lists(st.tuples(instants, st.sampled_from("ABCXU")), max_size=10), st.randoms())
def test_an_attempt_does_not_depend_on_the_order_of_arrival(
    events: list[tuple[int, str]], random: Any
) -> None:
    text = " ".join(f"{name}{at}" for at, name in events)
    plan, history = told("A B C", text, exclusions=X_EXCLUDES_ALL)
    shuffled = random.sample(history, len(history))
    assert reported(plan, shuffled) == reported(plan, history)


@given(st.lists(st.tuples(instants, st.sampled_from("ABCX")), max_size=10), instants)
def test_an_unrelated_event_changes_nothing_in_an_ordered_funnel(
    events: list[tuple[int, str]], at: int
) -> None:
    text = " ".join(f"{name}{at}" for at, name in events)
    assert taken("A B C", text, exclusions=X_EXCLUDES_ALL) == taken(
        "A B C", f"{text} U{at}", exclusions=X_EXCLUDES_ALL
    )
