"""Series and exclusion nodes as steps and exclusions of a plan."""

from collections.abc import Iterable
from typing import assert_never

from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import (
    ActionsNode,
    DataWarehouseNode,
    EventsNode,
    ExclusionNode,
    FunnelExclusionActionsNode,
    FunnelExclusionEventsNode,
    GroupNode,
    SeriesNode,
)
from services.query.events.conditions import AnyCondition
from services.query.events.facts import PlanningFacts
from services.query.events.filters import action_of, both, conditions, either, named, of_action
from services.query.insights.funnels.plan import Exclusion, FirstTime, Step

WAREHOUSE = (
    "Data warehouse tables are not supported in funnels just yet. For now, please try this funnel "
    "without the data warehouse-based step."
)
_UNNAMED = {"events": "All events", "actions": "Unnamed action"}
_Matched = EventsNode | ActionsNode | FunnelExclusionEventsNode | FunnelExclusionActionsNode


def plan_step(node: SeriesNode, facts: PlanningFacts) -> Step:
    """Raises InvalidQuery: an unknown action, a filter or a table that is not served."""
    match node:
        case EventsNode(event=event):
            return _step(node, facts, action_id=event, name=event)
        case ActionsNode(id=id_):
            return _step(node, facts, action_id=id_, name=action_of(id_, facts).name)
        case GroupNode():
            return _group(node, facts)
        case DataWarehouseNode():
            raise _no_warehouse()
        case _:
            assert_never(node)


def plan_exclusions(nodes: Iterable[ExclusionNode], facts: PlanningFacts) -> tuple[Exclusion, ...]:
    """One per stretch of steps: which of two events excludes makes no difference.

    The nodes passed validation: they name their steps. Raises InvalidQuery as plan_step does.
    """
    by_stretch: dict[tuple[int, int], list[AnyCondition]] = {}
    for node in nodes:
        assert node.funnelFromStep is not None
        assert node.funnelToStep is not None
        matches = both(_entity(node, facts), _filters(node, facts))
        by_stretch.setdefault((node.funnelFromStep, node.funnelToStep), []).append(matches)
    return tuple(
        Exclusion(matches=either(excluding), from_step=since, to_step=until)
        for (since, until), excluding in by_stretch.items()
    )


def _step(
    node: EventsNode | ActionsNode,
    facts: PlanningFacts,
    *,
    action_id: str | int | None,
    name: str | None,
) -> Step:
    entity = _entity(node, facts)
    return Step(
        matches=both(entity, _filters(node, facts)),
        entity=entity,
        optional=node.optionalInFunnel or False,
        first_time=_first_time(node.math),
        action_id=action_id,
        name=name,
        custom_name=node.custom_name,
        type="actions" if isinstance(node, ActionsNode) else "events",
    )


def _group(node: GroupNode, facts: PlanningFacts) -> Step:
    """Any of its nodes; the group's own filters hold for all of them. Named after its nodes."""
    steps = [plan_step(one, facts) for one in node.nodes]
    name = ", ".join(step.name or _UNNAMED[step.type] for step in steps)
    return Step(
        matches=both(either(step.matches for step in steps), _filters(node, facts)),
        entity=either(step.entity for step in steps),
        optional=node.optionalInFunnel or False,
        first_time=_first_time(node.math),
        action_id=name,
        name=name,
        custom_name=node.custom_name,
        type="group",
    )


def _entity(node: _Matched, facts: PlanningFacts) -> AnyCondition:
    if isinstance(node, ActionsNode | FunnelExclusionActionsNode):
        return of_action(action_of(node.id, facts), facts)
    return named(node.event)


def _filters(node: _Matched | GroupNode, facts: PlanningFacts) -> AnyCondition:
    return both(conditions(node.properties, facts), conditions(node.fixedProperties, facts))


def _first_time(math: str | None) -> FirstTime | None:
    """PostHog: all other mathematics is dropped silently."""
    match math:
        case "first_time_for_user" | "first_time_for_user_with_filters":
            return math
        case _:
            return None


def _no_warehouse() -> InvalidQuery:
    return InvalidQuery("series", "invalid_input", WAREHOUSE)
