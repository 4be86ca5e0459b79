"""The outcome of each actor, and the people behind a number: funnels.md sections 5 and 10."""

from collections.abc import Iterable, Mapping

import msgspec

from services.query.insights.funnels.oracle import attempts, unordered
from services.query.insights.funnels.oracle.attribution import lanes
from services.query.insights.funnels.oracle.path import Attempt
from services.query.insights.funnels.oracle.seen import History, Value, microseconds, window_us
from services.query.insights.funnels.plan import FunnelPlan

Histories = Mapping[str, History]
"""Actor id -> its events."""


class ActorOutcome(msgspec.Struct, frozen=True):
    """An actor's outcome in one row: the attempt that it is counted by."""

    actor: str
    value: Value | None
    attempt: Attempt

    def has(self, step: int) -> bool:
        """Whether it counts there: "in every step of best's path"."""
        return self.attempt.at_us(step) is not None


def outcomes(plan: FunnelPlan, histories: Histories) -> list[ActorOutcome]:
    """Every actor that has a step, by actor id, then value."""
    return [
        outcome
        for actor, history in sorted(histories.items())
        for outcome in _outcomes_of(plan, actor, history)
    ]


def _outcomes_of(plan: FunnelPlan, actor: str, history: History) -> Iterable[ActorOutcome]:
    walk = unordered.reported if plan.order == "unordered" else attempts.reported
    for lane in lanes(plan, history):
        attempt = walk(plan, lane.events, lane.wanted)
        if attempt is not None:
            yield ActorOutcome(actor, lane.value, attempt)


def required_before(plan: FunnelPlan, step: int) -> int:
    """The last required step before `step` (> 1); the first step is always one."""
    return max(k for k in range(1, step) if not plan.steps[k - 1].optional)


def dropped(plan: FunnelPlan, outcome: ActorOutcome, step: int) -> bool:
    """Whether it "had the last required step before k, not k"; pending ones among them."""
    return outcome.has(required_before(plan, step)) and not outcome.has(step)


def pending(plan: FunnelPlan, outcome: ActorOutcome, step: int) -> bool:
    """Dropped at `step` so far only: "reported attempt stands before it, unspoilt, with anchor + W
    after min(now, date_to)" (funnels.md section 12)."""
    stands_before = dropped(plan, outcome, step) and outcome.attempt.depth < step
    return stands_before and window_open(plan, outcome.attempt.anchor_us)


def window_open(plan: FunnelPlan, anchor_us: int) -> bool:
    """More events may still come into the window."""
    return anchor_us + window_us(plan) > microseconds(min(plan.now, plan.date_to))


def actors(plan: FunnelPlan, found: Iterable[ActorOutcome], funnel_step: int) -> list[str]:
    """Actor ids behind `funnel_step` of the persons request: N has step N, −N dropped at N."""
    if funnel_step >= 1:
        return [outcome.actor for outcome in found if outcome.has(funnel_step)]
    return [outcome.actor for outcome in found if dropped(plan, outcome, -funnel_step)]
