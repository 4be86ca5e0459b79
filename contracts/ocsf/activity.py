"""An entry of the activity log as an OCSF event, as PostHog's clients for SIEMs ask for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.events.recorded import Actor
from contracts.ocsf.base import Event, Names, OcsfClass, Origin, actor, event
from contracts.ocsf.facts import CREATE, DELETE, DISABLE, ENABLE, READ, UPDATE
from contracts.read_models.activity import Change

_ACTIVITIES: Mapping[str, int] = {
    "created": CREATE,
    "viewed": READ,
    "deleted": DELETE,
    "erased": DELETE,
    "sharing enabled": ENABLE,
    "sharing disabled": DISABLE,
}


class ToldActivity(msgspec.Struct, frozen=True, kw_only=True):
    """What one operation did to one thing.

    sequence: of its last fact. scope: `Insight`, `Dashboard` … item_id: the thing's number.
    name: as it was called then. changes: None for a creation.
    """

    id: UUID
    team_id: int
    sequence: int
    at: datetime
    activity: str
    scope: str
    item_id: str
    name: str | None
    changes: Sequence[Change] | None
    actor: Actor
    operation_id: UUID | None


def of_activity(told: ToldActivity, names: Names, *, include_values: bool = False) -> Event:
    """The event; `unmapped.changed_fields` names what changed.

    include_values: with the values, before in `entity.data` and after in `entity_result.data`.
    """
    origin = Origin(
        uid=str(told.id),
        team_id=told.team_id,
        sequence=told.sequence,
        code=told.activity,
        at=told.at,
        operation_id=told.operation_id,
    )
    found = event(
        OcsfClass.ENTITY_MANAGEMENT, _ACTIVITIES.get(told.activity, UPDATE), origin, names
    )
    entity: Event = {"type": told.scope, "uid": told.item_id}
    if told.name is not None:
        entity["name"] = told.name
    changes = told.changes or ()
    found["entity"] = entity
    if include_values and changes:
        before = _by_field((each.field, each.before) for each in changes)
        after = _by_field((each.field, each.after) for each in changes)
        found["entity"] = {**entity, "data": before}
        found["entity_result"] = {**entity, "data": after}
    found["actor"] = actor(told.actor, names)
    found["comment"] = told.activity
    found["unmapped"] = {"changed_fields": sorted({each.field for each in changes})}
    return found


def _by_field(values: Iterable[tuple[str, Raw]]) -> dict[str, Raw | list[Raw]]:
    """A list, of what changed in several of its parts: tiles, rules."""
    found: dict[str, list[Raw]] = {}
    for field, value in values:
        found.setdefault(field, []).append(value)
    return {field: each if len(each) > 1 else each[0] for field, each in found.items()}
