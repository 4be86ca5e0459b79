"""One actor through an unordered funnel: funnels.md section 5, "Unordered"."""

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from services.query.insights.funnels.oracle.path import Attempt, TakenStep
from services.query.insights.funnels.oracle.seen import (
    OracleEvent,
    StepValue,
    fed,
    taken_whole,
    ties,
    window_us,
)
from services.query.insights.funnels.plan import FunnelPlan


class Departure(msgspec.Struct, frozen=True):
    """An event leaves its queue.

    fronts: the front of each queue that is not empty, itself among them, sorted by time.
    """

    at_us: int
    fronts: tuple[TakenStep, ...]

    @property
    def completed(self) -> int:
        """The number of queues that are not empty."""
        return len(self.fronts)


def reported(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None = None
) -> Attempt | None:
    """The most different steps inside one window, as steps 1…best; None: in no step at all.

    "if completed > best, best = completed and its times = the front of each queue, sorted" is noted
    whenever an event is dropped, and once more after the last event. The latter is the first of the
    departures at the very end; the others there have no more queues than it.
    """
    best: Departure | None = None
    for departure in departures(plan, events, wanted):
        if best is None or departure.completed > best.completed:
            best = departure
        # "best = n ends the search."
        if best.completed == len(plan.steps):
            break
    if best is None:
        return None
    return Attempt(
        tuple(TakenStep(k, front.at_us, front.uuid) for k, front in enumerate(best.fronts, start=1))
    )


def departures(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None = None
) -> Iterator[Departure]:
    """Each event as it leaves: out of the window, with all n steps completed, or at the very end.

    Events lost to an exclusion do not leave.
    """
    queues = Queues(len(plan.steps))
    for tie in ties(fed(plan, events)):
        for event in taken_whole(tie):
            # "1. While the oldest queued event is more than W before now, or all n steps are
            # completed: … drop the oldest event"
            while queues.oldest_before(event.at_us - window_us(plan)) or queues.all_completed():
                yield queues.drop()
            # "2. An exclusion-only event empties all queues"
            if not event.steps:
                queues.empty()
            # "while no step is completed, events with another value are passed over"
            elif queues.completed() or wanted is None or event.value == wanted.value:
                queues.put(event)
    while queues.completed():
        yield queues.drop()


class Queues:
    """Per step a queue of events in the window."""

    def __init__(self, steps: int) -> None:
        self.queues: dict[int, deque[OracleEvent]] = {k: deque() for k in range(1, steps + 1)}

    def completed(self) -> int:
        """The number of steps that have an event."""
        return sum(1 for queue in self.queues.values() if queue)

    def all_completed(self) -> bool:
        return all(self.queues.values())

    def oldest_before(self, at_us: int) -> bool:
        """The oldest queued event is before this time."""
        return any(queue and queue[0].at_us < at_us for queue in self.queues.values())

    def empty(self) -> None:
        for queue in self.queues.values():
            queue.clear()

    def put(self, event: OracleEvent) -> None:
        """3. "put the event into that one of its steps whose last queued event is oldest (empty
        first, then lower step)"."""

        def rank(k: int) -> tuple[bool, int, int]:
            queue = self.queues[k]
            return bool(queue), queue[-1].at_us if queue else 0, k

        self.queues[min(event.steps, key=rank)].append(event)

    def drop(self) -> Departure:
        """Drop the oldest event (same time: lower step)."""
        fronts = [
            TakenStep(k, queue[0].at_us, queue[0].uuid) for k, queue in self.queues.items() if queue
        ]
        fronts.sort(key=lambda front: (front.at_us, front.step))
        self.queues[fronts[0].step].popleft()
        return Departure(fronts[0].at_us, tuple(fronts))
