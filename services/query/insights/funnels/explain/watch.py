"""The reference's walk through an ordered or strict funnel, noting what ends each attempt."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from contracts.api.explain import Outcome
from services.query.insights.funnels.oracle.attempts import Walk
from services.query.insights.funnels.oracle.path import Attempt
from services.query.insights.funnels.oracle.seen import OracleEvent, StepValue, fed, mixed, ties
from services.query.insights.funnels.plan import FunnelPlan


class Fate(msgspec.Struct, frozen=True):
    """The end of an attempt. by: an event. at_us: a time. step: the one that it is about."""

    outcome: Outcome
    by: UUID | None = None
    at_us: int | None = None
    step: int | None = None


Fates = tuple[Attempt | None, list[tuple[Attempt, Fate | None]]]
"""The reported attempt, and all others with what ended them; None: nothing did but time."""


def ordered_fates(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None
) -> Fates:
    """As `oracle.attempts.reported`, which this must agree with."""
    walk = _WatchedWalk(plan, wanted)
    looked_at = fed(plan, events)
    converted_us: int | None = None
    for tie in ties(looked_at):
        if converted_us is not None:
            walk.too_late(tie, converted_us)
        elif mixed(tie):
            walk.mixed_tie(tie)
        else:
            for event in tie:
                walk.event(event)
        if converted_us is None and len(plan.steps) in walk.standing:
            converted_us = tie[0].at_us
    best = None if walk.best is None or walk.best.spoilt else walk.best
    others = [
        (attempt, walk.fates.get(thread) or _outlived(plan, attempt, converted_us))
        for thread, attempt in walk.deepest.items()
        if best is None or thread != best.path[0].uuid
    ]
    return best, sorted(others, key=lambda pair: (pair[0].anchor_us, pair[0].path[0].uuid))


def _outlived(plan: FunnelPlan, attempt: Attempt, converted_us: int | None) -> Fate | None:
    """Of an attempt that was still going on when another one had all steps."""
    if converted_us is None or converted_us - attempt.anchor_us > plan.window_seconds * 1_000_000:
        return None
    return Fate("converted_already", at_us=converted_us)


class _WatchedWalk(Walk):
    """An attempt is known by the event of its first step.

    deepest: the farthest that each attempt has got. fates: of those that something has ended; who
    goes on all the same, from a step where it still stood, loses its fate again.
    """

    def __init__(self, plan: FunnelPlan, wanted: StepValue | None) -> None:
        super().__init__(plan, wanted)
        self.deepest: dict[UUID, Attempt] = {}
        self.fates: dict[UUID, Fate] = {}

    def event(self, event: OracleEvent) -> None:
        before = self._depths()
        super().event(event)
        if self.plan.order != "strict":
            return
        after = self._depths()
        for thread, depth in before.items():
            fate = self.fates.get(thread)
            if after.get(thread, 0) < depth and (fate is None or fate.by != event.uuid):
                self._end(thread, event, Fate("order_broken", by=event.uuid))

    def exclude(self, event: OracleEvent, k: int) -> None:
        standing, best = dict(self.standing), self.best
        super().exclude(event, k)
        for step, attempt in self.standing.items():
            if attempt.spoilt and standing.get(step) is not attempt:
                self._spoil(attempt, event, k)
        if self.best is not None and self.best is not best and self.best.spoilt:
            self._spoil(self.best, event, k)

    def step(self, event: OracleEvent, k: int) -> None:
        overtaken, best = self.standing.get(k), self.best
        super().step(event, k)
        now = self.standing.get(k)
        if now is not None and now is not overtaken:
            self._goes_on(now)
            self.fates.pop(_thread(now), None)
            if overtaken is not None and self.deepest[_thread(overtaken)].depth == k:
                fate = Fate("overtaken", by=event.uuid, step=k)
                self._end(_thread(overtaken), event, fate)
        if self.best is not None and self.best is not best:
            # A spoilt attempt is at no step, and may be the deepest all the same.
            self._goes_on(self.best)

    def too_late(self, tie: Iterable[OracleEvent], converted_us: int) -> None:
        """Events after the last step: what they would begin is no attempt any more."""
        for event in tie:
            if 1 in event.steps and not self._other_value(event):
                begun = Walk(self.plan, self.wanted)
                begun.step(event, 1)
                attempt = begun.standing[1]
                self.deepest[event.uuid] = attempt
                self.fates[event.uuid] = Fate("converted_already", at_us=converted_us)

    def _other_value(self, event: OracleEvent) -> bool:
        wanted = self.wanted
        return wanted is not None and wanted.step == 1 and wanted.value != event.value

    def _depths(self) -> dict[UUID, int]:
        """The depth of each attempt that stands at any step."""
        depths: dict[UUID, int] = {}
        for k, attempt in self.standing.items():
            depths[_thread(attempt)] = max(k, depths.get(_thread(attempt), 0))
        return depths

    def _goes_on(self, attempt: Attempt) -> None:
        known = self.deepest.get(_thread(attempt))
        if known is None or attempt.depth >= known.depth:
            self.deepest[_thread(attempt)] = attempt

    def _spoil(self, attempt: Attempt, event: OracleEvent, k: int) -> None:
        self._end(_thread(attempt), event, Fate("spoilt", by=event.uuid, step=k))

    def _end(self, thread: UUID, event: OracleEvent, fate: Fate) -> None:
        """The first thing that ends it counts, and nothing does once its window is over."""
        attempt = self.deepest[thread]
        if thread not in self.fates and event.at_us - attempt.anchor_us <= self.window:
            self.fates[thread] = fate


def _thread(attempt: Attempt) -> UUID:
    return attempt.path[0].uuid
