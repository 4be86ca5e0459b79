"""Entities of legacy filters: events, actions and exclusions, in the order that funnels want."""

from collections.abc import Iterable, Mapping
from typing import Literal

from contracts.queries import properties
from contracts.queries.errors import invalid_input
from contracts.queries.loose import Filters, Json, integer, json_value, number
from contracts.queries.nodes import (
    ActionsNode,
    DataWarehouseNode,
    EventsNode,
    ExclusionNode,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    SeriesNode,
)

_MATH = ("first_time_for_user", "first_time_for_user_with_filters")
Entity = Mapping[str, Json]


def series(filters: Filters) -> tuple[SeriesNode, ...]:
    """Actions, then events, then (to be refused) warehouse tables, stably sorted by `order`.

    A missing order and 0 both come before everything (oddity).
    """
    return tuple(node for _, node in placed(filters))


def placed(filters: Filters) -> list[tuple[Entity, SeriesNode]]:
    """The same, each beside the entity that it is made of."""
    found: list[tuple[Entity, SeriesNode]] = []
    for entity in _entities(filters, "actions"):
        if _action_id(entity) is not None:
            found.append((entity, _action(entity)))
    for entity in _entities(filters, "events"):
        found.append((entity, entity_node(entity)))
    for entity in _entities(filters, "data_warehouse"):
        found.append((entity, DataWarehouseNode(id=_text(entity.get("id")))))
    return sorted(found, key=lambda pair: _order(pair[0]))


def entity_node(entity: Entity) -> EventsNode | ActionsNode:
    """One entity on its own, an event unless it says that it is an action."""
    if entity.get("type") == "actions" and _action_id(entity) is not None:
        return _action(entity)
    return _event(entity)


def exclusions(filters: Filters) -> tuple[ExclusionNode, ...]:
    """In the order sent. PostHog's conversion drops their properties; we keep them."""
    return tuple(_exclusion(entity) for entity in _entities(filters, "exclusions"))


def _entities(
    filters: Filters, name: Literal["events", "actions", "data_warehouse", "exclusions"]
) -> Iterable[Entity]:
    sent = json_value(filters, name)
    if sent is None:
        return ()
    if isinstance(sent, Mapping):
        sent = [sent]
    if not isinstance(sent, list | tuple):
        raise invalid_input(name, f"{name} is a list of objects.")
    # PostHog: bare strings are dropped.
    return [entity for entity in sent if isinstance(entity, Mapping)]


def _order(entity: Entity) -> tuple[bool, float]:
    order = number(entity.get("order"))
    return bool(order), order or 0


def _event(entity: Entity) -> EventsNode:
    name = _event_name(entity)
    return EventsNode(
        event=name,
        name=_text(entity.get("name")) or name,
        custom_name=_text(entity.get("custom_name")),
        properties=_properties(entity, "events"),
        math=_math(entity),
    )


def _action(entity: Entity) -> ActionsNode:
    return ActionsNode(
        id=_action_id(entity) or 0,
        name=_text(entity.get("name")),
        custom_name=_text(entity.get("custom_name")),
        properties=_properties(entity, "actions"),
        math=_math(entity),
    )


def _exclusion(entity: Entity) -> ExclusionNode:
    from_step, to_step = integer(entity, "funnel_from_step"), integer(entity, "funnel_to_step")
    kept = _properties(entity, "exclusions")
    name, custom_name = _text(entity.get("name")), _text(entity.get("custom_name"))
    if entity.get("type") == "actions":
        id_ = _action_id(entity)
        if id_ is None:
            raise invalid_input("exclusions", "An excluded action needs an id.")
        return FunnelExclusionActionsNode(
            id=id_,
            name=name,
            custom_name=custom_name,
            properties=kept,
            funnelFromStep=from_step,
            funnelToStep=to_step,
        )
    event = _event_name(entity)
    return FunnelExclusionEventsNode(
        event=event,
        name=name or event,
        custom_name=custom_name,
        properties=kept,
        funnelFromStep=from_step,
        funnelToStep=to_step,
    )


def _event_name(entity: Entity) -> str | None:
    """None (any event) for null; numbers are names too."""
    return _text(entity.get("id"))


def _text(sent: Json) -> str | None:
    if sent is None or isinstance(sent, bool | Mapping | list):
        return None
    return str(sent)


def _action_id(entity: Entity) -> int | None:
    read = number(entity.get("id"))
    return int(read) if read is not None and read.is_integer() else None


def _properties(entity: Entity, attr: str) -> Json:
    """A list of filters, or the one group that was sent: its OR is kept (PostHog loses it)."""
    tree = properties.read(entity.get("properties"), f"{attr}__properties")
    if not tree.values:
        return None
    if tree.type == "OR":
        return properties.wire(tree)
    return [properties.wire(part) for part in tree.values]


def _math(entity: Entity) -> str | None:
    """All others are dropped silently."""
    math = entity.get("math")
    return math if isinstance(math, str) and math in _MATH else None
