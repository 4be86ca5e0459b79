"""A plan of a lifecycle in words (`hogql` of an answer): what was asked, defaults filled in."""

from services.query.events.conditions import ALWAYS
from services.query.events.description import (
    actor_text,
    condition_text,
    own_filters_text,
    range_text,
)
from services.query.events.series import Entity
from services.query.insights.lifecycle.plan import LifecyclePlan


def describe(plan: LifecyclePlan) -> str:
    """Several lines, in the manner of SQL; times in the project's zone."""
    span = plan.span
    lines = [
        f"SELECT actors by status and {span.interval}",
        "FROM events",
        f"WHERE timestamp BETWEEN {range_text(span.date_from, span.date_to, span.timezone)}",
    ]
    if plan.filters != ALWAYS:
        lines.append(f"  AND {condition_text(plan.filters)}")
    if plan.sample is not None:
        lines.append(f"SAMPLE {plan.sample:g}")
    lines.append(f"LIFECYCLE {actor_text(plan.actor)}")
    if plan.entity is not None:
        lines.append(f"  1. {_entity(plan.entity)}")
    return "\n".join(lines)


def _entity(entity: Entity) -> str:
    name = f"action {entity.name}" if entity.action_id is not None else entity.name
    filters = own_filters_text(entity.matches, entity.entity)
    return f"{name} WHERE {filters}" if filters else name
