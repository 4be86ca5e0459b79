"""What a trend's numbers hang on: events, records beside them, and what the clock decides."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

import msgspec

from services.query.events.actors import AnyActor, PersonActor
from services.query.events.conditions import AnyCondition, PropertyIs
from services.query.events.periods import Span, labels
from services.query.insights import reads
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    Aggregation,
    ByCohort,
    ByProperty,
    FirstTime,
    OfCounts,
    OfProperty,
    PersonNumber,
    Series,
    SessionNumber,
    Spread,
    TrendsPlan,
)
from services.query.insights.trends.windows import first_instant
from services.query.results.computation import Inputs


def of_trends(plan: TrendsPlan) -> Inputs:
    """Of all rows, those of the previous range too."""
    read = reads.records_read(_conditions(plan), plan.cohorts)
    marks = read.marks.union(
        *(
            reads.of_expression(one.math.expression)
            for one in plan.series
            if isinstance(one.math, Aggregation)
        )
    )
    if read.sessions:
        return Inputs(events=None, since=None, until=None, records=marks)
    spans = [span for span in (plan.span, plan.previous) if span is not None]
    return Inputs(
        events=reads.names_of(_counted(one) for one in plan.series),
        since=_since(plan, spans),
        until=max(span.date_to for span in spans),
        records=marks,
    )


def of_people(plan: TrendsPlan, series: Series | None) -> Inputs:
    """Of a page of the people behind a number of the series: their records are shown."""
    found = of_trends(plan)
    actor = PersonActor() if series is None else actor_of(series)
    return msgspec.structs.replace(found, records=found.records | reads.records_of(actor))


def clock(plan: TrendsPlan, *others: object) -> bytes:
    """A digest of what the numbers take from the clock besides the plan's own range.

    others: what the plan is looked at with.
    """
    told = msgspec.structs.asdict(plan) | {"now": None, "span": None, "previous": None}
    previous = plan.previous and (plan.previous.date_from, plan.previous.date_to)
    return reads.digest(told, previous, _last_point(plan.span), others)


def actor_of(series: Series) -> AnyActor:
    """Who is behind the numbers of a series: groups where it counts them, else persons."""
    match series.math:
        case Actors(actor) | ActiveActors(actor) | FirstTime(actor) | OfCounts(actor=actor):
            return actor
        case _:
            return PersonActor()


def _last_point(span: Span) -> object:
    """What tells whether two ranges of one start have the same points, of the same names."""
    last = msgspec.structs.replace(span, shown=span.shown[-1:])
    return (span.interval, labels(last), [period.start for period in span.periods[-1:]])


def _counted(series: Series) -> AnyCondition:
    """A first time looks at all events of the entity."""
    math = series.math
    if isinstance(math, FirstTime) and not math.matching:
        return series.entity.entity
    return series.entity.matches


def _since(plan: TrendsPlan, spans: list[Span]) -> datetime | None:
    """None: all history."""
    found = [span.date_from for span in spans]
    for series in plan.series:
        match series.math:
            case FirstTime():
                return None
            case ActiveActors(days=days):
                firsts = [first_instant(plan, span, days) for span in spans]
                found += [first for first in firsts if first is not None]
            case _:
                pass
    return min(found)


def _conditions(plan: TrendsPlan) -> Iterator[AnyCondition]:
    """All that is read of events and of records."""
    yield plan.filters
    for series in plan.series:
        yield series.entity.matches
        yield series.entity.entity
        yield from reads.of_actor(actor_of(series))
        yield from _of_number(series)
    match plan.breakdown:
        case None:
            return
        case ByCohort(cohorts=cohorts):
            yield from reads.of_cohorts(cohorts)
        case ByProperty(keys=keys):
            yield from reads.of_keys(key.read for key in keys)
        case _:
            assert_never(plan.breakdown)


def _of_number(series: Series) -> Iterator[AnyCondition]:
    match series.math:
        case OfProperty(number=PersonNumber(key)) | Spread(number=PersonNumber(key)):
            yield PropertyIs("person", key, "is_set")
        case OfProperty(number=SessionNumber(key)) | Spread(number=SessionNumber(key)):
            yield PropertyIs("session", key, "is_set")
        case _:
            return
