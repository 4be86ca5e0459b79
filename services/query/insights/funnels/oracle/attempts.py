"""One actor through an ordered or strict funnel: funnels.md section 5, rule by rule."""

from collections.abc import Iterable

import msgspec

from services.query.insights.funnels.oracle.path import Attempt, TakenStep
from services.query.insights.funnels.oracle.seen import (
    OracleEvent,
    StepValue,
    fed,
    mixed,
    steps_excluded,
    ties,
    window_us,
)
from services.query.insights.funnels.plan import FunnelPlan


def reported(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None = None
) -> Attempt | None:
    """The attempt an actor is counted by; None: the actor is in no step at all."""
    walk = Walk(plan, wanted)
    for tie in ties(fed(plan, events)):
        if mixed(tie):
            walk.mixed_tie(tie)
        else:
            for event in tie:
                walk.event(event)
        # "If S[n] exists after the tie: stop; later events do not matter."
        if len(plan.steps) in walk.standing:
            break
    # "best spoilt or none → the actor is in no step at all"
    return None if walk.best is None or walk.best.spoilt else walk.best


class Walk:
    """standing: `S`, step -> the newest attempt that stands at it. best: the deepest one so far."""

    def __init__(self, plan: FunnelPlan, wanted: StepValue | None) -> None:
        self.plan = plan
        self.wanted = wanted
        self.window = window_us(plan)
        self.optional = {k for k, step in enumerate(plan.steps, start=1) if step.optional}
        self.standing: dict[int, Attempt] = {}
        self.best: Attempt | None = None

    def event(self, event: OracleEvent) -> None:
        """An event outside mixed ties."""
        # "1. Exclusions, highest step first."
        for k in steps_excluded(self.plan, event):
            self.exclude(event, k)
        # "2. Steps, highest first (so one event cannot be two steps of one attempt)."
        for k in sorted(event.steps, reverse=True):
            self.step(event, k)
        # "3. Strict only: S[k] = none for every k this event does not match."
        if self.plan.order == "strict":
            self.standing = {k: a for k, a in self.standing.items() if k in event.steps}

    def mixed_tie(self, tie: list[OracleEvent]) -> None:
        """Events of one instant that differ in what they match.

        "exclusions are ignored; an event that matches nothing breaks nothing; matching is done in
        ascending step number, then uuid, one (event, step) pair at a time; one event never serves
        twice in one attempt" – the tie is sorted by uuid.
        """
        for k in sorted({k for event in tie for k in event.steps}):
            for event in tie:
                if k in event.steps:
                    self.step(event, k)

    def exclude(self, event: OracleEvent, k: int) -> None:
        """The event is an exclusion that stands before step k."""
        a = self.before(k, event.at_us)
        # "Nothing happens unless a exists, now − a.anchor ≤ W, a is not spoilt, and S[k] does not
        # stem from the same anchor (that attempt is past k)."
        if a is None or a.spoilt or self.stems_from(k, a.anchor_us):
            return
        # "Then a becomes spoilt"
        self.standing[a.depth] = msgspec.structs.replace(a, spoilt=True)
        # "and if best has depth k−1 and now − best.anchor ≤ W, best becomes spoilt"
        best = self.best
        if best and best.depth == a.depth and event.at_us - best.anchor_us <= self.window:
            self.best = msgspec.structs.replace(best, spoilt=True)

    def step(self, event: OracleEvent, k: int) -> None:
        """The event matches step k."""
        if self.wanted and self.wanted.step == k and self.wanted.value != event.value:
            return
        taken = TakenStep(k, event.at_us, event.uuid)
        if k == 1:
            # "for k = 1 a fresh attempt with anchor now"
            b = Attempt((taken,))
        else:
            a = self.before(k, event.at_us)
            # "Skip unless a exists, is in its window" … "skipping a pair whose event is already in
            # a's path"; outside mixed ties it never is, as steps are taken highest first.
            if a is None or any(past.uuid == event.uuid for past in a.path):
                return
            # "Let b = a + this event (spoilt if a is)."
            b = Attempt((*a.path, taken), a.spoilt)
        # "and S[k] is not from the same anchor"
        if self.stems_from(k, b.anchor_us):
            return
        # "If a is not spoilt, S[k] = b."
        if not b.spoilt:
            self.standing[k] = b
        # "If k > best.depth, or k = best.depth and best is spoilt: best = b."
        if not self.best or k > self.best.depth or (k == self.best.depth and self.best.spoilt):
            self.best = b

    def before(self, k: int, now_us: int) -> Attempt | None:
        """`a` for a step or an exclusion before k > 1: an attempt in its window, or none.

        "go back from k−1 over optional steps as long as S there is missing or out of its window"
        """
        j = k - 1
        while j in self.optional and self.open(j, now_us) is None:
            j -= 1
        return self.open(j, now_us)

    def open(self, k: int, now_us: int) -> Attempt | None:
        """S[k], if it is in its window."""
        a = self.standing.get(k)
        return a if a is not None and now_us - a.anchor_us <= self.window else None

    def stems_from(self, k: int, anchor_us: int) -> bool:
        """S[k] is from this anchor."""
        return k in self.standing and self.standing[k].anchor_us == anchor_us
