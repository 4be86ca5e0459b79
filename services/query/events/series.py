"""Series nodes and the filters around them as conditions: what queries over periods share."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from contracts.queries.counted import CountedNode, CountedSeries, PeriodRange
from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.nodes import ActionsNode, DataWarehouseNode, EventsNode, Filters, GroupNode
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.conditions import ALWAYS, AnyCondition, AnyOf, OnDays
from services.query.events.facts import PlanningFacts
from services.query.events.filters import both, conditions, named, of_action

MOST_SERIES = 50
_ANY_EVENT = "All events"
_GROUP_TYPES = range(5)


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """What a series counts, and how its row is labelled.

    matches: the event or action with its own filters. entity: without them (a first time looks at
    it). id: event name, or the action's name (oddity); None: any event. action_id: of an action.
    """

    matches: AnyCondition
    entity: AnyCondition
    id: str | None
    name: str
    custom_name: str | None = None
    action_id: int | None = None


def entity_of(
    node: EventsNode | ActionsNode | GroupNode | DataWarehouseNode, facts: PlanningFacts
) -> Entity | None:
    """None when it names an unknown action. Raises InvalidQuery for what is not served."""
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


def _action(node: ActionsNode, facts: PlanningFacts) -> Entity | None:
    action = facts.actions.get(node.id)
    if action is None:
        return None
    entity = of_action(action, facts)
    return Entity(
        matches=both(entity, _own_filters(node, facts)),
        entity=entity,
        id=action.name,
        name=action.name,
        custom_name=node.custom_name,
        action_id=action.id,
    )


def _any_of(node: GroupNode, facts: PlanningFacts) -> Entity | None:
    """An event that any of its nodes takes counts once; the group's own filters hold for all."""
    if node.operator != "OR":
        detail = f"Groups of events only support the OR operator, got {node.operator}"
        raise invalid_input("series", detail)
    if not node.nodes:
        raise invalid_input("series", "A group of events names at least one.")
    parts = [entity_of(one, facts) for one in node.nodes]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    name = ", ".join(part.name for part in known)
    return Entity(
        matches=both(_any(part.matches for part in known), _own_filters(node, facts)),
        entity=_any(part.entity for part in known),
        id=name,
        name=name,
        custom_name=node.custom_name,
    )


def _any(parts: Iterable[AnyCondition]) -> AnyCondition:
    found = tuple(dict.fromkeys(parts))
    if ALWAYS in found:
        return ALWAYS
    return found[0] if len(found) == 1 else AnyOf(found)


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
    dates: PeriodRange | None,
    facts: PlanningFacts,
) -> AnyCondition:
    """What holds for the events of every series: the query's filters, the project's test-account
    filters if asked for, and the days of the week that count.
    """
    days = dates.daysOfWeek if dates is not None else None
    return both(
        conditions(properties, facts),
        conditions(facts.test_account_filters if tested else None, facts, "filterTestAccounts"),
        OnDays(tuple(sorted(set(days)))) if days else ALWAYS,
    )


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


def math_of(node: CountedNode) -> str:
    """`total` when none is named."""
    return node.math or "total"
