"""Takes an operation on an action back."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw

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
from contracts.events.streams import Stream
from contracts.queries.actions import ActionStep, named_cohorts
from contracts.queries.errors import InvalidQuery
from domain.action.commands import EditAction
from domain.action.view import project
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import place
from domain.history.undoing import Undoing, UndoTerms

_steps = msgspec.json.Decoder(tuple[ActionStep, ...])


def undo(
    stream: Stream[ActionEvent],
    operation_id: UUID,
    past: Sequence[Recorded[ActionEvent]],
    terms: UndoTerms,
) -> Undoing[EditAction]:
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    back: dict[str, Any] = {}
    if placed.before is None:
        back[DELETED] = True if judge.creation() else UNSET
    for field in judge.fields:
        if field == "steps":
            back[field] = judge.document(field, invalid_steps)
        else:
            back[field] = judge.plain(field)
    return judge.undoing(EditAction(**back))


def touch(event: ActionEvent) -> Touch:
    match event:
        case ActionCreated() | ActionDeleted() | ActionRestored():
            return Touch(DELETED)
        case ActionRenamed():
            return Touch("name")
        case ActionDescribed():
            return Touch("description")
        case ActionStepsChanged():
            return Touch("steps")
        case _:
            assert_never(event)


def invalid_steps(steps: Raw) -> str | None:
    """Why an action can't be given these steps."""
    try:
        named_cohorts(_steps.decode(steps))
    except InvalidQuery as cause:
        return cause.detail
    except msgspec.DecodeError as cause:
        return str(cause)
    return None
