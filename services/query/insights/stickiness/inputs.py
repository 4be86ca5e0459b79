"""What the numbers of stickiness hang on: events, records beside them, and the clock's part."""

from collections.abc import Iterator

import msgspec

from services.query.events.actors import PersonActor
from services.query.events.conditions import AnyCondition
from services.query.insights import reads
from services.query.insights.stickiness.plan import Intervals, Series, StickinessPlan
from services.query.results.computation import Inputs


def of_stickiness(plan: StickinessPlan) -> Inputs:
    """Of all rows, those of the previous range too."""
    read = reads.records_read(_conditions(plan), plan.cohorts)
    if read.sessions:
        return Inputs(events=None, since=None, until=None, records=read.marks)
    spans = [of.span for of in (plan.current, plan.previous) if of is not None]
    return Inputs(
        events=reads.names_of(series.entity.matches for series in plan.series),
        since=min(span.date_from for span in spans),
        until=max(span.date_to for span in spans),
        records=read.marks,
    )


def of_people(plan: StickinessPlan, series: Series | None) -> Inputs:
    """Of a page of the people behind a number of the series: their records are shown."""
    found = of_stickiness(plan)
    records = reads.records_of(PersonActor() if series is None else series.actor)
    return msgspec.structs.replace(found, records=found.records | records)


def clock(plan: StickinessPlan, *others: object) -> bytes:
    """A digest of what the numbers take from the clock besides the plan's own range.

    others: what the plan is looked at with.
    """
    told = msgspec.structs.asdict(plan) | {"now": None, "current": None, "previous": None}
    previous = plan.previous and (plan.previous.span.date_from, plan.previous.span.date_to)
    return reads.digest(told, previous, _intervals(plan.current), others)


def _intervals(of: Intervals) -> object:
    """What tells whether two ranges of one start have the same intervals.

    They are counted from the end, so that one more moves all of them.
    """
    return (of.span.interval, [interval.start for interval in of.intervals])


def _conditions(plan: StickinessPlan) -> Iterator[AnyCondition]:
    """All that is read of events and of records."""
    yield plan.filters
    for series in plan.series:
        yield series.entity.matches
        yield from reads.of_actor(series.actor)
