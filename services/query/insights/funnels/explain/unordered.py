"""The reference's queues of an unordered funnel, with a note of what becomes of their events."""

from collections.abc import Iterable, Iterator

from services.query.insights.funnels.explain.watch import Fate, Fates
from services.query.insights.funnels.oracle.path import Attempt, TakenStep
from services.query.insights.funnels.oracle.seen import (
    OracleEvent,
    StepValue,
    fed,
    taken_whole,
    ties,
    window_us,
)
from services.query.insights.funnels.oracle.unordered import Queues, reported
from services.query.insights.funnels.plan import FunnelPlan


def unordered_fates(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None
) -> Fates:
    """An attempt is what stood in the queues at one time: one that is part of another is not told.

    Its steps are those of the series that its events match; what counts are as many steps.
    """
    seen = tuple(events)
    best = reported(plan, seen, wanted)
    counted = frozenset(taken.uuid for taken in best.path) if best else frozenset()
    others: list[tuple[Attempt, Fate | None]] = []
    explained = [counted]
    for attempt, fate in _ends(plan, seen, wanted):
        uuids = frozenset(taken.uuid for taken in attempt.path)
        if not any(uuids <= other for other in explained):
            explained.append(uuids)
            others.append((attempt, fate))
    return best, others


def _ends(
    plan: FunnelPlan, events: Iterable[OracleEvent], wanted: StepValue | None
) -> Iterator[tuple[Attempt, Fate | None]]:
    """As `oracle.unordered.departures`, and what exclusions empty the queues of.

    Once all steps are completed the search is over: what is left, or comes later, is too late.
    """
    queues = Queues(len(plan.steps))
    taken = (event for tie in ties(fed(plan, events)) for event in taken_whole(tie))
    for event in taken:
        while queues.oldest_before(event.at_us - window_us(plan)):
            yield _fronts(queues), None
            queues.drop()
        if not event.steps:
            if queues.completed():
                yield _fronts(queues), Fate("spoilt", by=event.uuid)
            queues.empty()
        elif queues.completed() or wanted is None or event.value == wanted.value:
            queues.put(event)
        if queues.all_completed():
            yield _fronts(queues), None
            late = Fate("converted_already", at_us=event.at_us)
            waiting = [(k, one) for k, queue in queues.queues.items() for one in queue]
            for k, one in [*waiting, *((min(one.steps), one) for one in taken if one.steps)]:
                yield Attempt((TakenStep(k, one.at_us, one.uuid),)), late
            return
    while queues.completed():
        yield _fronts(queues), None
        queues.drop()


def _fronts(queues: Queues) -> Attempt:
    fronts = [
        TakenStep(k, queue[0].at_us, queue[0].uuid) for k, queue in queues.queues.items() if queue
    ]
    return Attempt(tuple(sorted(fronts, key=lambda front: (front.at_us, front.step))))
