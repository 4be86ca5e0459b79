"""Decides a command on an action: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET

from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionEvent,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.json import same
from contracts.read_models.action import ActionRow
from domain.action.commands import ActionCommand, CreateAction, EditAction
from domain.errors import AlreadyExists, NotFound


def decide(command: ActionCommand, action: ActionRow | None) -> list[ActionEvent]:
    """Facts that follow; none when nothing would change. action: None when there is none.

    Raises AlreadyExists on a second creation, NotFound when it was never created or is deleted and
    not being restored.
    """
    match command:
        case CreateAction():
            if action is not None:
                raise AlreadyExists
            return [
                ActionCreated(command.action_id, command.name, command.description, command.steps)
            ]
        case EditAction():
            if action is None or (action.deleted and command.deleted is not False):
                raise NotFound
            return _edit(command, action)
        case _:
            assert_never(command)


def _edit(command: EditAction, action: ActionRow) -> list[ActionEvent]:
    facts: list[ActionEvent] = []
    if action.deleted:
        facts.append(ActionRestored())
    if command.name is not UNSET and command.name != action.name:
        facts.append(ActionRenamed(command.name, action.name))
    if command.description is not UNSET and command.description != action.description:
        facts.append(ActionDescribed(command.description, action.description))
    if command.steps is not UNSET and not same(command.steps, action.steps):
        facts.append(ActionStepsChanged(command.steps, action.steps))
    if command.deleted is True:
        facts.append(ActionDeleted())
    return facts
