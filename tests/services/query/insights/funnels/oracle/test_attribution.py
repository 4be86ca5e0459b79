"""Breakdown values of an actor: funnels.md section 6."""

from typing import Any

import msgspec
import pytest

from services.query.insights.funnels.oracle.people import outcomes
from services.query.insights.funnels.oracle.steps import steps
from services.query.insights.funnels.plan import (
    Attribution,
    EachValue,
    FirstTouch,
    LastTouch,
    OfStep,
)
from tests.funnels.stories import BY_PROPERTY, crowd


def rows(steps: str, history: str, *, by: Attribution, **rules: Any) -> dict[str, int]:
    """Value -> the step the actor got to there."""
    breakdown = msgspec.structs.replace(BY_PROPERTY, attribution=by)
    plan, histories = crowd(steps, history, breakdown=breakdown, **rules)
    return {(o.value or ("none",))[0]: o.attempt.depth for o in outcomes(plan, histories)}


@pytest.mark.parametrize(
    ("history", "first", "last"),
    [
        ("A0=x B1=y", "x", "y"),
        ("A0= B1=y A2=", "y", "y"),
        ("A0= B1=", "", ""),
        ("A0=y A0=x B1=", "x", "y"),  # at one instant the smallest is first, the greatest last
        ("U0=u A1=x B2=x", "x", "x"),  # ordered funnels do not see U
    ],
)
def test_a_touch_counts_the_whole_funnel_under_one_value(
    history: str, first: str, last: str
) -> None:
    assert rows("A B", history, by=FirstTouch()) == {first: 2}
    assert rows("A B", history, by=LastTouch()) == {last: 2}


def test_strict_touches_unrelated_events_too() -> None:
    assert rows("A B", "U0=u A1=x B2=x", by=FirstTouch(), order="strict") == {"u": 2}


def test_all_events_is_a_funnel_per_value_over_only_its_events() -> None:
    by = EachValue()
    assert rows("A B", "A0=x B1=y A2=y B3=x C4=", by=by) == {"x": 2, "y": 1}
    assert rows("A B", "A0=x U1=y B2=x", by=by, order="strict") == {"x": 2}


def test_by_step_the_event_that_takes_it_must_have_the_value() -> None:
    by = OfStep(2)
    assert rows("A B C", "A0=a B1=x B2=y C3=c", by=by) == {"x": 3, "y": 3}
    assert rows("A B", "B0=x A1=a B2=y", by=by) == {"x": 1, "y": 2}


def test_by_step_who_has_no_such_event_is_in_no_row() -> None:
    by = OfStep(2)
    assert rows("A B", "A0=a", by=by) == {}


def test_unordered_by_the_first_step_passes_over_other_values() -> None:
    by = OfStep(1)
    assert rows("A B", "A0=x B1=y", by=by, order="unordered") == {"x": 2, "y": 1}


def test_an_actor_counts_in_several_rows_with_all_events() -> None:
    breakdown = msgspec.structs.replace(BY_PROPERTY, attribution=EachValue())
    plan, histories = crowd("A B", "A0=x A1=y", breakdown=breakdown)
    assert [(group.value, group.steps[0].count) for group in steps(plan, histories)] == [
        (("x",), 1),
        (("y",), 1),
    ]
