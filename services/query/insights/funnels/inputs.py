"""The inputs of a funnel's numbers: events, records, and the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from services.common.insights.results import marks
from services.query.events.conditions import AnyCondition
from services.query.insights import reads
from services.query.insights.funnels.correlation.question import (
    OfEventProperties,
    OfEvents,
    OfRecords,
    Question,
)
from services.query.insights.funnels.correlation.statement import CorrelationSelection, HasEvent
from services.query.insights.funnels.periods import last_period
from services.query.insights.funnels.plan import (
    ByCohort,
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
)
from services.query.results.computation import Inputs

_NO_TIME = datetime(1900, 1, 1, tzinfo=UTC)


def of_funnel(plan: FunnelPlan, previous: FunnelPlan | None = None) -> Inputs:
    """previous: the period to compare with."""
    read = reads.records_read(_conditions(plan), plan.cohorts)
    if read.sessions:
        return Inputs(events=None, since=None, until=None, records=read.marks)
    since: datetime | None = min(plan.date_from, previous.date_from if previous else plan.date_from)
    if any(step.first_of is not None for step in plan.steps):
        since = None
    return Inputs(events=_names(plan), since=since, until=plan.date_to, records=read.marks)


def of_actors(plan: FunnelPlan, pointed: object) -> Inputs:
    """Of a page of the people behind a number: their records are shown."""
    inputs = of_funnel(plan)
    if isinstance(pointed, CorrelationSelection):
        # Whatever happened inside an attempt is looked at.
        inputs = msgspec.structs.replace(inputs, events=None)
        if isinstance(pointed.has, HasEvent):
            read = reads.records_read([pointed.has.condition, *_conditions(plan)], plan.cohorts)
            inputs = _joined(inputs, read.marks)
            if read.sessions:
                inputs = msgspec.structs.replace(inputs, since=None, until=None)
    return _joined(inputs, reads.records_of(plan.actor))


def of_correlation(plan: FunnelPlan, question: Question) -> Inputs:
    inputs = of_funnel(plan)
    match question:
        case OfEvents():
            return msgspec.structs.replace(inputs, events=None)
        case OfEventProperties(events=named):
            if inputs.events is None:
                return inputs
            events = inputs.events | {marks.of_event(name) for name in named}
            return msgspec.structs.replace(inputs, events=events)
        case OfRecords():
            return _joined(inputs, reads.records_of(plan.actor))
        case _:
            assert_never(question)


def clock(
    plan: FunnelPlan, previous: FunnelPlan | None = None, *others: object, pending: bool = False
) -> bytes:
    """A digest of what the numbers take from the clock besides the plan's own range.

    Two plans of one query have equal ones if the time between them makes no difference: no relative
    date of a filter, no period compared with and no period of a trend has moved. others: what the
    plan is looked at with. pending: whether open windows are counted.
    """
    timeless = msgspec.structs.replace(plan, date_from=_NO_TIME, date_to=_NO_TIME, now=_NO_TIME)
    ranges = [previous.date_from, previous.date_to] if previous is not None else []
    if pending:
        ranges.append(min(plan.now, plan.date_to))
    return reads.digest(timeless, ranges, _last_period(plan), others)


def _last_period(plan: FunnelPlan) -> tuple[str, ...]:
    match plan.view:
        case TrendView() as trend:
            return last_period(plan, trend)
        case StepsView() | TimesView():
            return ()
        case _:
            assert_never(plan.view)


def _names(plan: FunnelPlan) -> frozenset[int] | None:
    """None: of any name."""
    if plan.order == "strict":
        return None
    entities = [step.matches if step.first_of is None else step.first_of for step in plan.steps]
    return reads.names_of([*entities, *(exclusion.matches for exclusion in plan.exclusions)])


def _conditions(plan: FunnelPlan) -> Iterator[AnyCondition]:
    """All that is read of events and of records."""
    yield plan.filters
    for step in plan.steps:
        yield step.matches
        yield step.entity
    for exclusion in plan.exclusions:
        yield exclusion.matches
    yield from reads.of_actor(plan.actor)
    match plan.breakdown:
        case None:
            return
        case ByCohort(cohorts=cohorts):
            yield from reads.of_cohorts(cohorts)
        case ByProperty(keys=keys):
            yield from reads.of_keys(keys)
        case _:
            assert_never(plan.breakdown)


def _joined(inputs: Inputs, records: frozenset[int]) -> Inputs:
    return msgspec.structs.replace(inputs, records=inputs.records | records)
