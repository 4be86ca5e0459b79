"""What ended each attempt, by small histories; and that what is reported is what counts."""

from datetime import datetime
from random import Random

import pytest

from contracts.api.explain import ExplainedAttempt, ExplainedRow
from services.query.insights.funnels.explain.explain import explain
from services.query.insights.funnels.oracle.people import outcomes
from services.query.insights.funnels.oracle.seen import History
from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.plan import FunnelPlan
from tests.funnels.plans import make_plan
from tests.funnels.stories import told
from tests.funnels.worlds import entered, make_world


def seen(history: History) -> list[SeenEvent]:
    """As the statement would give them, a name made of what they match."""
    return [
        SeenEvent(
            "somebody",
            event.at_us,
            str(event.uuid),
            "".join(chr(64 + k) for k in sorted(event.steps)) or "X",
            sorted(event.steps),
            sorted(event.exclusions),
            None
            if not event.value
            else event.value[0]
            if len(event.value) == 1
            else [*event.value],
        )
        for event in history
    ]


def explained(steps: str, history: str, **rules: object) -> ExplainedRow:
    plan, events = told(steps, history, **rules)
    (row,) = explain(plan, seen(events))
    return row


def way(attempt: ExplainedAttempt | None) -> str:
    """A0 B7 as `AB`."""
    return "" if attempt is None else "".join(step.event for step in attempt.steps)


def ends(row: ExplainedRow) -> list[tuple[str, str]]:
    """How each other attempt went and ended."""
    return [(way(attempt), attempt.outcome) for attempt in row.attempts]


def test_the_window_of_an_attempt_is_over() -> None:
    row = explained("A B C", "A0 B7 A20 B22")
    assert (way(row.reported), row.counted_steps) == ("AB", [1, 2])
    assert ends(row) == [("AB", "window_over")]
    (other,) = row.attempts
    assert other.at is not None
    lasted = datetime.fromisoformat(other.at) - datetime.fromisoformat(other.steps[0].timestamp)
    assert lasted.total_seconds() == 10
    assert other.detail.startswith("Its window of 10 seconds was over at ")


def test_a_newer_attempt_overtakes_an_older_one() -> None:
    row = explained("A B", "A0 A1 B2")
    assert way(row.reported) == "AB"
    assert ends(row) == [("A", "overtaken")]
    assert row.attempts[0].by is not None
    assert "got to step 1 with A" in row.attempts[0].detail


def test_who_has_all_steps_begins_no_more() -> None:
    row = explained("A B", "A0 B1 A2")
    assert (way(row.reported), ends(row)) == ("AB", [("A", "converted_already")])


def test_an_exclusion_spoils_and_takes_the_whole_actor_with_it() -> None:
    row = explained("A B", "A0 X1 B2", exclusions=[("X", 0, 1)])
    assert (row.reported, row.counted_steps) == (None, [])
    assert ends(row) == [("AB", "spoilt")]
    assert row.attempts[0].by is not None
    assert (row.attempts[0].by.event, "before step 2" in row.attempts[0].detail) == ("X", True)


def test_after_a_spoilt_attempt_a_second_one_counts() -> None:
    row = explained("A B", "A0 X1 A2 B3", exclusions=[("X", 0, 1)])
    assert (way(row.reported), ends(row)) == ("AB", [("A", "spoilt")])


def test_strict_order_is_broken_by_what_does_not_belong() -> None:
    row = explained("A B", "A0 U1 B2", order="strict")
    assert way(row.reported) == "A"
    assert ends(row) == []
    twice = explained("A B", "A0 U1 A2 U3", order="strict")
    assert (way(twice.reported), ends(twice)) == ("A", [("A", "order_broken")])
    assert twice.attempts[0].detail.startswith("The order was broken by X at ")


def test_unordered_attempts_are_what_stood_together_in_a_window() -> None:
    row = explained("A B", "A0 A20 B21", order="unordered")
    assert (way(row.reported), ends(row)) == ("AB", [("A", "window_over")])
    spoilt = explained("A B", "A0 X1 B2", exclusions=[("X", 0, 1)], order="unordered")
    assert (way(spoilt.reported), ends(spoilt)) == ("B", [("A", "spoilt")])
    done = explained("A B", "A0 B1 A2", order="unordered")
    assert (way(done.reported), ends(done)) == ("AB", [("A", "converted_already")])


@pytest.mark.parametrize("seed", range(40))
def test_what_is_reported_is_what_counts(seed: int) -> None:
    random = Random(seed)
    world = make_world(random, 25)
    counted = 0
    for _ in range(6):
        plan = make_plan(random, world, 1, viz="steps")
        for events in world.histories.values():
            history = entered(plan, events)
            expected = {
                outcome.value or (): tuple(str(taken.uuid) for taken in outcome.attempt.path)
                for outcome in outcomes(plan, {"somebody": history})
            }
            assert reported(plan, history) == expected, plan
            counted += len(expected)
    assert counted


def reported(plan: FunnelPlan, history: History) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {
        _value(row): tuple(step.uuid for step in row.reported.steps)
        for row in explain(plan, seen(history))
        if row.reported is not None
    }


def _value(row: ExplainedRow) -> tuple[str, ...]:
    value = row.breakdown_value
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
