"""The history of one actor, attempt by attempt: the reference's walk, watched.

The reference (`oracle`) says by which attempt an actor counts, and the statements are compared with
it, so the attempt explained here is the attempt counted.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.api.explain import EndedBy, ExplainedAttempt, ExplainedRow, Outcome
from contracts.api.people import MatchedEvent
from contracts.api.times import written
from services.query.events.moments import microseconds, moment
from services.query.insights.funnels.explain.unordered import unordered_fates
from services.query.insights.funnels.explain.watch import Fate, ordered_fates
from services.query.insights.funnels.oracle.attribution import Lane
from services.query.insights.funnels.oracle.path import Attempt
from services.query.insights.funnels.oracle.seen import window_us
from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.result import shown_value
from services.query.insights.funnels.statement.lanes import lanes_of, rows_of

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def explain(plan: FunnelPlan, events: Sequence[SeenEvent]) -> list[ExplainedRow]:
    """Of each row that the actor could count in; none when the funnel sees nothing of it.

    events: of one actor, in any order. Trends and times are explained by the steps beneath them.
    """
    by_uuid = {event.uuid: event for event in events}
    return [
        _row(plan, value, lane, by_uuid)
        for value, of_row in rows_of(plan, events)
        for lane in lanes_of(plan, of_row)
        if not _passed_over(plan, lane)
    ]


def _passed_over(plan: FunnelPlan, lane: Lane) -> bool:
    """A value none of whose events is a step: there is nothing to explain."""
    return not any(event.steps for event in lane.events)


def _row(
    plan: FunnelPlan, cohort: int | None, lane: Lane, by_uuid: dict[str, SeenEvent]
) -> ExplainedRow:
    fates = unordered_fates if plan.order == "unordered" else ordered_fates
    reported, others = fates(plan, lane.events, lane.wanted)
    breakdown, value = plan.breakdown, cohort if lane.value is None else list(lane.value)
    return ExplainedRow(
        breakdown_value=(
            None if breakdown is None or value is None else shown_value(breakdown, value)[1]
        ),
        counted_steps=[taken.step for taken in reported.path] if reported else [],
        reported=_explained(plan, reported, Fate("reported"), by_uuid) if reported else None,
        attempts=[
            _explained(plan, attempt, fate or _end(plan, attempt), by_uuid)
            for attempt, fate in others
        ],
    )


def _end(plan: FunnelPlan, attempt: Attempt) -> Fate:
    """Of an attempt that nothing but time ended."""
    until = attempt.anchor_us + window_us(plan)
    still = until > microseconds(min(plan.now, plan.date_to))
    return Fate("open" if still else "window_over", at_us=until)


def _explained(
    plan: FunnelPlan, attempt: Attempt, fate: Fate, by_uuid: dict[str, SeenEvent]
) -> ExplainedAttempt:
    by = by_uuid[str(fate.by)] if fate.by is not None else None
    ended_by = EndedBy(by.uuid, by.event, written(moment(by.at_us))) if by else None
    return ExplainedAttempt(
        steps=[
            MatchedEvent(
                taken.step,
                str(taken.uuid),
                by_uuid[str(taken.uuid)].event,
                written(moment(taken.at_us)),
            )
            for taken in attempt.path
        ],
        outcome=fate.outcome,
        at=ended_by.timestamp if fate.at_us is None and ended_by else written(_time(fate)),
        by=ended_by,
        detail=_sentence(plan, fate, by),
    )


def _time(fate: Fate) -> datetime | None:
    return None if fate.at_us is None else moment(fate.at_us)


def _sentence(plan: FunnelPlan, fate: Fate, by: SeenEvent | None) -> str:
    outcome: Outcome = fate.outcome
    at = f"{_time(fate):%Y-%m-%d %H:%M:%S} UTC" if _time(fate) else ""
    event = "" if by is None else f"{by.event} at {moment(by.at_us):%Y-%m-%d %H:%M:%S} UTC"
    match outcome:
        case "reported":
            return "This attempt counts: no other got deeper, or as deep before it."
        case "window_over":
            return f"Its window of {_duration(plan.window_seconds)} was over at {at}."
        case "spoilt":
            where = "" if fate.step is None else f" before step {fate.step}"
            return f"Spoilt by {event}, which is excluded{where}."
        case "order_broken":
            return f"The order was broken by {event}."
        case "overtaken":
            return f"Overtaken by a newer attempt, which got to step {fate.step} with {event}."
        case "converted_already":
            return f"All steps had been taken by then, the last of them at {at}."
        case "open":
            return f"It may go on: its window of {_duration(plan.window_seconds)} ends at {at}."


def _duration(seconds: int) -> str:
    size, unit = next(pair for pair in _UNITS if seconds % pair[0] == 0)
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
