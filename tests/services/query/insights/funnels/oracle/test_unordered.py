"""Unordered funnels, against the examples and rules of funnels.md section 5."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.insights.funnels.oracle.unordered import reported
from tests.funnels.stories import told


def seconds(steps: str, history: str, **rules: Any) -> list[float]:
    """Times of the steps the actor counts in, after START."""
    plan, events = told(steps, history, order="unordered", **rules)
    attempt = reported(plan, events)
    first = told(steps, "A0")[1][0].at_us
    return [(taken.at_us - first) / 1_000_000 for taken in attempt.path] if attempt else []


@pytest.mark.parametrize(
    ("history", "counts"),
    [("A0 X1 B2", 1), ("A0 X1", 0), ("A0 B1 X2", 2), ("X0 A1 B2", 2), ("B0 A1", 2)],
)
def test_an_exclusion_empties_what_was_not_noted(history: str, counts: int) -> None:
    assert len(seconds("A B", history, exclusions=[("X", 0, 1)])) == counts


def test_the_most_different_steps_inside_one_window_count() -> None:
    assert seconds("A B C", "C0 A5 B10") == [0, 5, 10]
    assert seconds("A B C", "C0 A5 B11") == [0, 5]
    assert seconds("A B C", "C0 A12 B13 C30") == [12, 13]


def test_the_oldest_event_of_each_step_gives_the_time() -> None:
    assert seconds("A B", "A0 A3 B4") == [0, 4]


def test_an_event_of_several_steps_serves_the_one_that_waits_longest() -> None:
    assert seconds("A B", "AB0 AB1") == [0, 1]
    assert seconds("A B", "AB0") == [0]
    assert seconds("A B C", "A0 AB1 AC2") == [0, 1, 2]
    assert seconds("A B C", "B0 A1 AB2 C11") == [1, 2, 11]


def test_an_exclusion_that_is_also_a_step_is_a_step() -> None:
    assert seconds("A B", "A0 BX1", exclusions=[("X", 0, 1)]) == [0, 1]


def test_in_a_tie_exclusions_come_first() -> None:
    assert seconds("A B", "A0 B0 X0", exclusions=[("X", 0, 1)]) == [0, 0]
    assert seconds("A B", "A0 B1 X1", exclusions=[("X", 0, 1)]) == [1]


def test_in_a_tie_lower_steps_come_first_whatever_the_uuid() -> None:
    assert seconds("A B C", "BC0 B0 A0") == [0, 0, 0]
    assert seconds("A B", "A0 A1 AB2") == seconds("A B", "A0 AB2 A1")


def test_completing_ends_the_search() -> None:
    assert seconds("A B", "A0 B4 A5 B6") == [0, 4]


@given(
    st.lists(st.tuples(st.integers(0, 14), st.sampled_from(["A", "B", "C", "AB"])), max_size=10),
    st.randoms(),
)
def test_the_result_does_not_depend_on_the_order_of_arrival(
    events: list[tuple[int, str]], random: Any
) -> None:
    plan, history = told("A B C", " ".join(f"{n}{t}" for t, n in events), order="unordered")
    shuffled = random.sample(history, len(history))
    assert reported(plan, shuffled) == reported(plan, history)


@given(st.lists(st.tuples(st.integers(0, 14), st.sampled_from("ABC")), max_size=10))
def test_it_is_the_most_different_names_in_any_window(events: list[tuple[int, str]]) -> None:
    """With one step per event and no exclusions."""
    most = max(
        (len({n for t, n in events if begin <= t <= begin + 5}) for begin, _ in events), default=0
    )
    text = " ".join(f"{n}{t}" for t, n in events)
    assert len(seconds("A B C", text, window=5)) == most
