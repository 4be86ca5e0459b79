"""The changes that each fact of an action makes."""

from typing import assert_never

from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionEvent,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: ActionEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one."""
    match event:
        case ActionRenamed():
            return [_change("name", event.previous, event.name)]
        case ActionDescribed():
            return [_change("description", event.previous, event.description)]
        case ActionStepsChanged():
            return [_change("steps", event.previous, event.steps)]
        case ActionDeleted() | ActionRestored():
            deleted = isinstance(event, ActionDeleted)
            return [_change("deleted", not deleted, deleted)]
        case ActionCreated():
            return []
        case _:
            assert_never(event)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Action")
