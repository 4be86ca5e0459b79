"""The number of a correlation that a request for people points at."""

from contracts.queries import properties
from contracts.queries.errors import invalid_input
from contracts.queries.nodes import ActionsNode, FunnelCorrelationActorsQuery
from contracts.queries.properties import PropertyFilter, PropertyGroup
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.conditions_sql import text
from services.query.events.facts import PlanningFacts
from services.query.events.filters import action_of, both, named, of_action, of_group
from services.query.insights.funnels.correlation.statement import (
    CorrelationSelection,
    HasEvent,
    HasRecord,
    Pairs,
)

_VALUES = "funnelCorrelationPropertyValues"
_ENTITY = "funnelCorrelationPersonEntity"
_EQUALS = ("exact", "in")
NO_ENTITY = "No entity for persons specified"
NO_VALUES = "Property Correlation expects atleast one Property to get persons for"


def correlation_selection(
    query: FunnelCorrelationActorsQuery, facts: PlanningFacts
) -> CorrelationSelection:
    """Raises InvalidQuery when nothing is pointed at, or a filter is not served."""
    if query.source.funnelCorrelationType == "properties":
        has: HasEvent | HasRecord = HasRecord(_record(query))
    else:
        has = _event(query, facts)
    return CorrelationSelection(converted=query.funnelCorrelationPersonConverted, has=has)


def _record(query: FunnelCorrelationActorsQuery) -> Pairs:
    """Records are compared as they were counted: as text, a missing value as an empty one."""
    wanted, others = _split(
        query.funnelCorrelationPropertyValues, _VALUES, ("person", "group", "event")
    )
    if others.values:
        raise invalid_input(_VALUES, "Only equality with values is supported here.")
    if not wanted:
        raise invalid_input(None, NO_VALUES)
    return wanted


def _event(query: FunnelCorrelationActorsQuery, facts: PlanningFacts) -> HasEvent:
    entity = query.funnelCorrelationPersonEntity
    if entity is None:
        raise invalid_input(None, NO_ENTITY)
    if isinstance(entity, ActionsNode):
        condition: AnyCondition = of_action(action_of(entity.id, facts), facts)
    else:
        condition = named(entity.event)
    wanted, others = _split(entity.properties, _ENTITY, ("event",))
    filters = of_group(others, facts, _ENTITY) if others.values else ALWAYS
    return HasEvent(condition=both(condition, filters), properties=wanted)


def _split(sent: object, attr: str, types: tuple[str, ...]) -> tuple[Pairs, PropertyGroup]:
    """(equalities of properties, all other filters); both must hold."""
    tree = properties.read(sent, attr)
    if tree.type == "OR":
        return (), tree
    equal = [part for part in tree.values if _is_equality(part, types)]
    pairs = tuple(
        (part.key, tuple(text(value) for value in part.values))
        for part in equal
        if isinstance(part, PropertyFilter)
    )
    return pairs, PropertyGroup("AND", tuple(part for part in tree.values if part not in equal))


def _is_equality(part: PropertyFilter | PropertyGroup, types: tuple[str, ...]) -> bool:
    return (
        isinstance(part, PropertyFilter)
        and part.type in types
        and part.operator in _EQUALS
        and bool(part.values)
    )
