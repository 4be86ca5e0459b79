"""What the numbers of a lifecycle hang on: events, records beside them, and the clock's part."""

import msgspec

from services.query.events.actors import GroupActor
from services.query.insights import reads
from services.query.insights.lifecycle.plan import LifecyclePlan
from services.query.results.computation import Inputs


def of_lifecycle(plan: LifecyclePlan) -> Inputs:
    """The period before the first is read too, and the records: when everybody was first seen."""
    matches = [] if plan.entity is None else [plan.entity.matches]
    read = reads.records_read([plan.filters, *matches], plan.cohorts)
    seen = read.marks | reads.records_of(plan.actor)
    if read.sessions or isinstance(plan.actor, GroupActor):
        # A group without a record is first seen by any event that names it.
        return Inputs(events=None, since=None, until=None, records=seen)
    return Inputs(
        events=reads.names_of(matches),
        since=plan.span.date_from if plan.before is None else plan.before.start,
        until=plan.span.date_to,
        records=seen,
    )


def of_people(plan: LifecyclePlan) -> Inputs:
    """Of a page of the people behind a number: their records are read anyway."""
    return of_lifecycle(plan)


def clock(plan: LifecyclePlan, *others: object) -> bytes:
    """A digest of what the numbers take from the clock besides the plan's own range.

    others: what the plan is looked at with.
    """
    told = msgspec.structs.asdict(plan) | {"now": None, "span": None, "before": None}
    last = [period.start for period in plan.span.periods[-1:]]
    return reads.digest(told, plan.span.interval, last, others)
