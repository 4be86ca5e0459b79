"""The action as readers see it.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionEvent,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.events.recorded import Recorded
from contracts.read_models.action import ActionRow


def project(row: ActionRow | None, recorded: Recorded[ActionEvent]) -> ActionRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, ActionCreated):
            raise ValueError(f"stream {recorded.stream_id} does not begin with action.created")
        return ActionRow(
            team_id=recorded.team_id,
            action_id=event.action_id,
            name=event.name,
            description=event.description,
            steps=event.steps,
            created_at=recorded.at,
            created_by=recorded.user_id,
            updated_at=recorded.at,
            version=recorded.version,
        )
    return replace(_changed(row, event), version=recorded.version, updated_at=recorded.at)


def view(history: Iterable[Recorded[ActionEvent]]) -> ActionRow | None:
    """None: never created."""
    return reduce(project, history, None)


def _changed(row: ActionRow, event: ActionEvent) -> ActionRow:
    match event:
        case ActionCreated():
            raise ValueError(f"action {event.action_id} was created twice")
        case ActionRenamed(name=name):
            return replace(row, name=name)
        case ActionDescribed(description=description):
            return replace(row, description=description)
        case ActionStepsChanged(steps=steps):
            return replace(row, steps=steps)
        case ActionDeleted():
            return replace(row, deleted=True)
        case ActionRestored():
            return replace(row, deleted=False)
        case _:
            assert_never(event)
