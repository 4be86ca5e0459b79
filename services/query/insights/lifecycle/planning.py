"""A LifecycleQuery becomes a LifecyclePlan: defaulted, the rules of trends.md section 13 checked.

Pure: what must be looked up comes in as PlanningFacts.
"""

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import invalid_input
from contracts.queries.lifecycle import LifecycleQuery
from contracts.times import MICROSECOND
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.cohorts import plan_cohorts
from services.query.events.conditions import ALWAYS, AnyCondition, PropertyIs
from services.query.events.dates import Calendar
from services.query.events.facts import PlanningFacts
from services.query.events.filters import both
from services.query.events.periods import (
    Interval,
    Period,
    Span,
    bounds,
    complete,
    cut,
    start_of,
)
from services.query.events.series import (
    UnknownAction,
    actor_of,
    common_filters,
    entity_of,
    share_of_actors,
)
from services.query.events.zones import in_zone
from services.query.insights.lifecycle.plan import LifecyclePlan

NO_CUSTOM_TARGET = (
    "Custom entity aggregation target is not supported for lifecycle insights without a data"
    " warehouse series."
)
HAS_PROFILE = PropertyIs("event", "$process_person_profile", "is_not", (False,))
_INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")


def plan_lifecycle(query: LifecycleQuery, facts: PlanningFacts) -> LifecyclePlan:
    """Raises InvalidQuery for the first rule that is broken."""
    facts = in_zone(facts, query.dateRange)
    if len(query.series) != 1:
        raise invalid_input(
            "series", f"A lifecycle has one series, and this one {len(query.series)}."
        )
    if query.customAggregationTarget:
        raise invalid_input("customAggregationTarget", NO_CUSTOM_TARGET)
    interval = _interval(query)
    actor = actor_of(query.aggregation_group_type_index, "aggregation_group_type_index")
    entity = entity_of(query.series[0], facts)
    span = _whole_span(query.dateRange or PeriodRange(), interval, facts.calendar)
    return LifecyclePlan(
        team_id=facts.team_id,
        entity=None if isinstance(entity, UnknownAction) else entity,
        unknown=((0, entity.id),) if isinstance(entity, UnknownAction) else (),
        filters=both(
            common_filters(query.properties, query.filterTestAccounts, query.dateRange, facts),
            _with_actor(actor),
        ),
        actor=actor,
        span=span,
        before=_before(span, facts.calendar),
        sample=share_of_actors(query.samplingFactor),
        cohorts=plan_cohorts(facts),
        now=facts.now,
    )


def _interval(query: LifecycleQuery) -> Interval:
    interval = query.interval or "day"
    if interval not in _INTERVALS:
        raise invalid_input("interval", f"A lifecycle has no interval of a {interval}.")
    return interval


def _with_actor(actor: PersonActor | GroupActor) -> AnyCondition:
    return HAS_PROFILE if isinstance(actor, PersonActor) else ALWAYS


def _whole_span(sent: PeriodRange, interval: Interval, calendar: Calendar) -> Span:
    """From the start of the first period to the end of the last, however they were given."""
    days = sent.daysOfWeek or ()
    asked = cut(*bounds(sent, interval, calendar), interval, calendar, days)
    if not asked.periods:
        return asked
    first, last = asked.periods[0], asked.periods[-1]
    span = cut(first.start, last.end - MICROSECOND, interval, calendar, days)
    return complete(span, calendar) if sent.excludeIncompletePeriods else span


def _before(span: Span, calendar: Calendar) -> Period | None:
    """A step of the calendar back."""
    if not span.periods:
        return None
    end = span.periods[0].start
    return Period(start_of(end - MICROSECOND, span.interval, calendar), end)
