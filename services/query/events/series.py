"""Series nodes and the filters around them as conditions: what queries over periods share."""

from collections.abc import Mapping
from typing import Literal, assert_never, get_args

import msgspec

from contracts.queries.counted import CountedNode, CountedSeries
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.nodes import (
    ActionsNode,
    DataWarehouseNode,
    DateRange,
    EventsNode,
    Filters,
    GroupNode,
)
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.conditions import ALWAYS, AnyCondition, OnDays
from services.query.events.facts import PlanningFacts
from services.query.events.filters import both, conditions, either, named, of_action

Statistic = Literal["sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99"]
MOST_SERIES = 50
_ANY_EVENT = "All events"
_GROUP_TYPES = range(5)


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """The event or action that a series counts, and the label of its row.

    matches: the event or action with its own filters. entity: without them (a first time looks at
    it). id: event name, or the action's name (oddity); None: any event. action_id: of an action.
    """

    matches: AnyCondition
    entity: AnyCondition
    id: str | None
    name: str
    custom_name: str | None = None
    action_id: int | None = None


class UnknownAction(msgspec.Struct, frozen=True):
    """A series that names an action which does not exist (any more)."""

    id: int


def entity_of(
    node: EventsNode | ActionsNode | GroupNode | DataWarehouseNode, facts: PlanningFacts
) -> Entity | UnknownAction:
    """Raises InvalidQuery for what is not served."""
    match node:
        case EventsNode():
            return _event(node, facts)
        case ActionsNode():
            return _action(node, facts)
        case GroupNode():
            return _any_of(node, facts)
        case DataWarehouseNode():
            raise no_warehouse()
        case _:
            assert_never(node)


def no_warehouse() -> InvalidQuery:
    detail = "Data warehouse series are not supported."
    return InvalidQuery("series", "data_warehouse_series_not_supported", detail)


def _event(node: EventsNode, facts: PlanningFacts) -> Entity:
    entity = named(node.event)
    return Entity(
        matches=both(entity, _own_filters(node, facts)),
        entity=entity,
        id=node.event,
        name=_ANY_EVENT if node.event is None else node.event,
        custom_name=node.custom_name,
    )


def _action(node: ActionsNode, facts: PlanningFacts) -> Entity | UnknownAction:
    action = facts.actions.get(node.id)
    if action is None:
        return UnknownAction(node.id)
    entity = of_action(action, facts)
    return Entity(
        matches=both(entity, _own_filters(node, facts)),
        entity=entity,
        id=action.name,
        name=action.name,
        custom_name=node.custom_name,
        action_id=action.id,
    )


def _any_of(node: GroupNode, facts: PlanningFacts) -> Entity | UnknownAction:
    """An event that any of its nodes takes counts once; the group's own filters hold for all."""
    if node.operator != "OR":
        detail = f"Groups of events only support the OR operator, got {node.operator}"
        raise invalid_input("series", detail)
    if not node.nodes:
        raise invalid_input("series", "A group of events names at least one.")
    known = []
    for one in node.nodes:
        part = entity_of(one, facts)
        if isinstance(part, UnknownAction):
            return part
        known.append(part)
    name = ", ".join(part.name for part in known)
    return Entity(
        matches=both(either(part.matches for part in known), _own_filters(node, facts)),
        entity=either(part.entity for part in known),
        id=name,
        name=name,
        custom_name=node.custom_name,
    )


def _own_filters(node: EventsNode | ActionsNode | GroupNode, facts: PlanningFacts) -> AnyCondition:
    return both(
        conditions(node.properties, facts, "series"),
        conditions(node.fixedProperties, facts, "series"),
    )


def check_count(series: tuple[CountedSeries, ...], most: int = MOST_SERIES) -> None:
    """Raises InvalidQuery for no series at all, and for more than so many."""
    if not 1 <= len(series) <= most:
        raise invalid_input(
            "series", f"A query has 1 to {most} series, and this one {len(series)}."
        )


def common_filters(
    properties: Filters,
    tested: bool | None,
    dates: DateRange | None,
    facts: PlanningFacts,
) -> AnyCondition:
    """The condition on the events of every series: the query's filters, the project's test-account
    filters if asked for, and the days of the week that count.
    """
    days = dates.daysOfWeek if dates is not None else None
    return both(
        conditions(properties, facts),
        test_account_filters(tested, facts),
        OnDays(tuple(sorted(set(days)))) if days else ALWAYS,
    )


def test_account_filters(tested: bool | None, facts: PlanningFacts) -> AnyCondition:
    """The project's, if they are asked for."""
    return conditions(facts.test_account_filters if tested else None, facts, "filterTestAccounts")


def actor_of(index: int | None, attr: str = "series") -> PersonActor | GroupActor:
    """index: of a group type; None: the person. Raises InvalidQuery."""
    return PersonActor() if index is None else GroupActor(group_type(index, attr))


def group_type(index: int, attr: str = "series") -> int:
    """Raises InvalidQuery for an index that no group type has."""
    if index not in _GROUP_TYPES:
        raise invalid_input(attr, "A group type index is a number from 0 to 4.")
    return index


def share_of_actors(factor: float | None) -> float | None:
    """A sampling factor; None: everybody. Raises InvalidQuery."""
    if factor is None or factor == 1:
        return None
    if not 0 < factor < 1:
        detail = "The sampling factor must be greater than 0 and at most 1."
        raise invalid_input("samplingFactor", detail)
    return factor


# Mathematics, by name

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
ACTOR_MATHS = frozenset({"dau", "unique_group", "weekly_active", "monthly_active"})
FIRST_TIME_MATHS = frozenset({"first_time_for_user", "first_matching_event_for_user"})
PER_ACTOR: Mapping[str, Statistic] = {
    f"{statistic}_count_per_actor": statistic for statistic in STATISTICS if statistic != "sum"
}
MATHS = (
    frozenset({"total", "unique_session", "hogql"})
    | ACTOR_MATHS
    | FIRST_TIME_MATHS
    | frozenset(STATISTICS)
    | PER_ACTOR.keys()
)
"""All that is known (trends.md section 4)."""


def checked_math(node: CountedNode, index: int) -> str:
    """The series' mathematics, by name: `total` when none is named. Raises InvalidQuery.

    Refused: an unknown name, unique_group without a group type, hogql without an expression.
    """
    math = node.math or "total"
    if math not in MATHS:
        raise invalid_input(member(index, "math"), f"Unknown math: {math[:100]}.")
    if node.math_group_type_index is not None:
        group_type(node.math_group_type_index, member(index, "math_group_type_index"))
    elif math == "unique_group":
        detail = "unique_group needs the index of a group type."
        raise invalid_input(member(index, "math_group_type_index"), detail)
    if math == "hogql" and not (node.math_hogql or "").strip():
        raise invalid_input(member(index, "math_hogql"), "hogql needs an expression.")
    if node.math_property_revenue_currency is not None:
        attr = member(index, "math_property_revenue_currency")
        raise invalid_input(attr, "Currencies are not converted.")
    return math


def member(index: int, name: str) -> str:
    """A member of a series, as refusals name it."""
    return f"series__{index}__{name}"
