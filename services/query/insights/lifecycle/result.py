"""Numbers of actors become the four rows of a lifecycle (trends.md section 13)."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from contracts.api.trends import LifecycleAction, LifecycleRow
from contracts.queries.insight_actors import Status
from services.query.events.periods import days, incomplete, labels
from services.query.events.series import Entity
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan


def render(plan: LifecyclePlan, counts: Mapping[Status, Sequence[int]]) -> list[LifecycleRow]:
    """counts: of each status, actors per period of the span, all positive; of a sample, unscaled.

    No rows when the action is unknown.
    """
    entity = plan.entity
    if entity is None:
        return []
    return [_row(plan, entity, status, counts[status]) for status in STATUSES]


def with_incomplete(plan: LifecyclePlan, rows: Iterable[LifecycleRow]) -> list[LifecycleRow]:
    """Each with its points that are not what they will be."""
    found = incomplete(plan.span, plan.now)
    return [msgspec.structs.replace(row, incomplete=found) for row in rows]


def with_late(
    plan: LifecyclePlan, rows: Iterable[LifecycleRow], numbers: Mapping[tuple[str, int], int]
) -> list[LifecycleRow]:
    """numbers: late events by status and index of the period."""
    return [
        msgspec.structs.replace(
            row, late=[numbers.get((row.status, index), 0) for index in plan.span.shown]
        )
        for row in rows
    ]


def _row(
    plan: LifecyclePlan, entity: Entity, status: Status, counts: Sequence[int]
) -> LifecycleRow:
    scaled = [_scaled(plan, counts[index]) for index in plan.span.shown]
    data = [-actors for actors in scaled] if status == "dormant" else scaled
    is_action = entity.action_id is not None
    return LifecycleRow(
        action=LifecycleAction(
            id=str(entity.action_id) if is_action else entity.id,
            name=entity.name,
            type="actions" if is_action else "events",
        ),
        label=f"{entity.name} - {status}",
        status=status,
        count=sum(data),
        data=data,
        days=days(plan.span),
        labels=labels(plan.span),
    )


def _scaled(plan: LifecyclePlan, actors: int) -> int:
    return actors if plan.sample is None else round(actors / plan.sample)
