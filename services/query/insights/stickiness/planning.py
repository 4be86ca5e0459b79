"""A StickinessQuery becomes a StickinessPlan: defaulted, the rules of trends.md section 12 checked.

Pure: what must be looked up comes in as PlanningFacts.
"""

from contracts.queries.counted import CountedSeries
from contracts.queries.errors import invalid_input
from contracts.queries.nodes import DataWarehouseNode
from contracts.queries.stickiness import StickinessQuery
from services.query.events.actors import AnyActor, ExpressionActor, PersonActor
from services.query.events.cohorts import plan_cohorts
from services.query.events.compared import previous_span
from services.query.events.facts import PlanningFacts
from services.query.events.filters import checked_expression
from services.query.events.periods import Interval, Period, Span, span_of
from services.query.events.series import (
    UnknownAction,
    actor_of,
    check_count,
    checked_math,
    common_filters,
    entity_of,
    member,
    no_warehouse,
    share_of_actors,
)
from services.query.events.zones import in_zone
from services.query.insights.stickiness.plan import Criteria, Intervals, Series, StickinessPlan

_INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")


def plan_stickiness(query: StickinessQuery, facts: PlanningFacts) -> StickinessPlan:
    """Raises InvalidQuery for the first rule that is broken."""
    facts = in_zone(facts, query.dateRange)
    check_count(query.series)
    _check_breakdown(query)
    interval, joined = _interval(query), _joined(query)
    series, unknown = _series(query.series, facts)
    span = span_of(query.dateRange, interval, facts.calendar)
    previous = previous_span(query.compareFilter, query.dateRange, span, facts.calendar)
    return StickinessPlan(
        team_id=facts.team_id,
        series=series,
        unknown=unknown,
        filters=common_filters(query.properties, query.filterTestAccounts, query.dateRange, facts),
        current=intervals_of(span, joined),
        previous=None if previous is None else intervals_of(previous, joined),
        criteria=_criteria(query),
        cumulative=query.stickiness.computedAs == "cumulative",
        sample=share_of_actors(query.samplingFactor),
        cohorts=plan_cohorts(facts),
        now=facts.now,
    )


def intervals_of(span: Span, joined: int) -> Intervals:
    """The span's shown periods, joined by so many, counted from the end."""
    shown = [span.periods[index] for index in span.shown]
    ends = range(len(shown), 0, -joined)
    found = [Period(shown[max(end - joined, 0)].start, shown[end - 1].end) for end in ends]
    return Intervals(span=span, intervals=tuple(reversed(found)))


def _check_breakdown(query: StickinessQuery) -> None:
    sent = query.breakdownFilter or {}
    if sent.get("breakdown") or sent.get("breakdowns"):
        raise invalid_input("breakdownFilter", "Stickiness has no breakdown.")


def _interval(query: StickinessQuery) -> Interval:
    interval = query.interval or "day"
    if interval not in _INTERVALS:
        raise invalid_input("interval", f"Stickiness has no interval of a {interval}.")
    return interval


def _joined(query: StickinessQuery) -> int:
    joined = query.intervalCount or 1
    if joined < 0:
        raise invalid_input("intervalCount", "The number of intervals cannot be negative.")
    return joined


def _criteria(query: StickinessQuery) -> Criteria:
    sent = query.stickiness.stickinessCriteria
    if sent is None:
        return Criteria()
    if sent.value < 0:
        detail = "The number of events cannot be negative."
        raise invalid_input("stickinessFilter__stickinessCriteria__value", detail)
    return Criteria(sent.operator, sent.value)


def _series(
    nodes: tuple[CountedSeries, ...], facts: PlanningFacts
) -> tuple[tuple[Series, ...], tuple[tuple[int, int], ...]]:
    """Those that have rows, and (place, id) of those whose action is unknown."""
    found: list[Series] = []
    unknown: list[tuple[int, int]] = []
    for place, node in enumerate(nodes):
        if isinstance(node, DataWarehouseNode):
            raise no_warehouse()
        math = checked_math(node, place)
        actor = _actor(math, node.math_hogql, node.math_group_type_index, place)
        entity = entity_of(node, facts)
        if isinstance(entity, UnknownAction):
            unknown.append((place, entity.id))
            continue
        found.append(
            Series(
                place=place,
                entity=entity,
                actor=actor,
                math=node.math,
                math_hogql=node.math_hogql,
                math_group_type_index=node.math_group_type_index,
            )
        )
    return tuple(found), tuple(unknown)


def _actor(math: str, hogql: str | None, index: int | None, place: int) -> AnyActor:
    """Any mathematics but those of groups and of expressions counts persons."""
    if math != "hogql":
        return actor_of(index)
    expression = (hogql or "").strip()
    if expression == "person_id":
        return PersonActor()
    return ExpressionActor(checked_expression(expression, member(place, "math_hogql")))
