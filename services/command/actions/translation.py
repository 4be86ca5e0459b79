"""From the body of a write to the command on an action."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw

from contracts.api.actions import WriteAction
from contracts.events.action import (
    NO_STEPS,
    ActionEvent,
)
from contracts.queries.actions import ActionStep, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.action import ActionRow
from domain.action.changes import changes
from domain.action.commands import ActionCommand, CreateAction, EditAction
from domain.action.decide import decide
from domain.action.view import view
from services.command.change_lines import lines_since
from services.command.documents import or_default
from services.command.handle import Rules
from services.common.http.problems import blank, invalid


def checked(sent: WriteAction) -> WriteAction:
    """Raises Rejected 400 naming the field. An action has a name with letters in it, or none."""
    if sent.name == "":
        raise blank("name")
    try:
        named_cohorts(() if sent.steps is UNSET or sent.steps is None else sent.steps)
    except InvalidQuery as cause:
        raise invalid("steps__properties", cause.code, cause.detail) from cause
    return sent


def create_command(body: WriteAction, number: int) -> CreateAction:
    """The command; a field that the body does not name gets its default."""
    return CreateAction(
        action_id=number,
        name=or_default(body.name, None),
        description=or_default(body.description, None) or "",
        steps=NO_STEPS if body.steps is UNSET else _steps(body.steps),
    )


def edit_command(body: WriteAction) -> EditAction:
    """PATCH: what is not named stays."""
    return EditAction(
        name=body.name,
        description=UNSET if body.description is UNSET else body.description or "",
        steps=UNSET if body.steps is UNSET else _steps(body.steps),
        deleted=body.deleted,
    )


def _steps(sent: Sequence[ActionStep] | None) -> Raw:
    """The members of steps that an action knows, without anything else that was sent."""
    return Raw(msgspec.json.encode(sent or ()))


RULES: Rules[ActionRow | None, ActionCommand, ActionEvent] = Rules(
    decide, view, lines_since(changes), lambda row: row is not None and row.deleted
)
