"""An actor's breakdown values, and the funnel it goes through for each: funnels.md section 6."""

from typing import assert_never

import msgspec

from services.query.insights.funnels.oracle.seen import History, OracleEvent, StepValue, Value, fed
from services.query.insights.funnels.plan import (
    Attribution,
    ByCohort,
    ByProperty,
    EachValue,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    OfStep,
)


class Lane(msgspec.Struct, frozen=True):
    """One funnel an actor goes through.

    value: the row it counts in; None without a breakdown.
    wanted: what the event taking one of the steps must have.
    """

    value: Value | None
    events: tuple[OracleEvent, ...]
    wanted: StepValue | None = None


def lanes(plan: FunnelPlan, history: History) -> list[Lane]:
    """One lane per value of the actor, by rising value; one without a breakdown.

    Cohorts are not told apart here: each cohort has the histories of its members.
    """
    events = tuple(fed(plan, history))
    if not events:
        return []
    match plan.breakdown:
        case None | ByCohort():
            return [Lane(None, events)]
        case ByProperty(attribution=attribution):
            return _by_value(plan, attribution, events)
        case _:
            assert_never(plan.breakdown)


def _by_value(
    plan: FunnelPlan, attribution: Attribution, events: tuple[OracleEvent, ...]
) -> list[Lane]:
    match attribution:
        case FirstTouch():
            return [Lane(_touch(events, first=True), events)]
        case LastTouch():
            return [Lane(_touch(events, first=False), events)]
        case EachValue():
            # "every value on its events, "" too; one funnel per value over **only** the events with
            # that value"
            values = sorted({event.value for event in events})
            return [Lane(v, tuple(e for e in events if e.value == v)) for v in values]
        case OfStep(step=step):
            return _by_step(plan, events, step)
        case _:
            assert_never(attribution)


def _touch(events: tuple[OracleEvent, ...], *, first: bool) -> Value:
    """Value "of its earliest / latest event with any non-empty part; none: "" in each".

    "At one instant the smallest value (as text) is the first touch, the greatest the last."
    """
    touches = [(event.at_us, event.value) for event in events if any(event.value)]
    if not touches:
        return tuple("" for _ in events[0].value)
    return (min(touches) if first else max(touches))[1]


def _by_step(plan: FunnelPlan, events: tuple[OracleEvent, ...], step: int) -> list[Lane]:
    """Every value on events matching the step; unordered (step 1 only): on any event.

    "none of those: the actor is in no row, not even step 1" – "all events count"
    """
    have = events if plan.order == "unordered" else [e for e in events if step in e.steps]
    values = sorted({event.value for event in have})
    return [Lane(value, events, StepValue(step, value)) for value in values]
