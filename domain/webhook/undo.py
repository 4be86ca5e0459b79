"""Takes an operation on a webhook back."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, assert_never
from uuid import UUID

from msgspec import UNSET

from contracts.events.recorded import Recorded
from contracts.events.streams import Stream
from contracts.events.webhook import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEvent,
    WebhookLaneParked,
    WebhookLaneReleased,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from contracts.read_models.webhook import WebhookRow
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import Placed, place
from domain.history.undoing import Undoing, UndoTerms
from domain.webhook.commands import (
    Address,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    ResumeWebhook,
    WebhookCommand,
)
from domain.webhook.view import project

_SETTINGS = ("description", "types", "insights", "max_in_flight", "signature")


def undo(
    stream: Stream[WebhookEvent],
    operation_id: UUID,
    past: Sequence[Recorded[WebhookEvent]],
    terms: UndoTerms,
) -> Undoing[WebhookCommand]:
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    if placed.before is None:
        return judge.undoing(*([DeleteWebhook()] if judge.creation() else []))
    commands: list[WebhookCommand] = []
    edit = _settings(judge, placed, terms)
    if edit != EditWebhook():
        commands.append(edit)
    if "state" in judge.fields:
        state = judge.plain("state")
        if state == "active":
            commands.append(ResumeWebhook())
        elif state == "paused":
            commands.append(PauseWebhook())
    return judge.undoing(*commands)


def touch(event: WebhookEvent) -> Touch:
    match event:
        case WebhookCreated():
            return Touch(DELETED)
        case WebhookChanged():
            # Of several fields: `_settings` tells which.
            return Touch(None)
        case WebhookPaused() | WebhookResumed():
            return Touch("state")
        case WebhookDisabled():
            return Touch("state", "Its receiver was found to be gone: resume it.")
        case WebhookSecretRotated():
            return Touch("secret", "The secret before it stops signing.")
        case WebhookLaneParked() | WebhookLaneReleased():
            return Touch("parked", "What was sent or left out stays so.")
        case WebhookDeleted():
            return Touch(DELETED, "Its address and its secrets are gone for good.")
        case _:
            assert_never(event)


def _settings(
    judge: Judge[WebhookRow, WebhookEvent],
    placed: Placed[WebhookRow, WebhookEvent],
    terms: UndoTerms,
) -> EditWebhook:
    if not any(isinstance(fact.event, WebhookChanged) for fact in placed.facts):
        return EditWebhook()
    asked = [each for each in _SETTINGS if terms.fields is None or each in terms.fields]
    back: dict[str, Any] = {
        field: judge.plain(field, attrgetter(f"settings.{field}")) for field in asked
    }
    if terms.fields is None or "url" in terms.fields:
        address = judge.plain("url", _address)
        back["address"] = UNSET if address is UNSET else Address(*address)
    return EditWebhook(**back)


def _address(row: WebhookRow) -> tuple[str, int]:
    return row.settings.host, row.settings.address_id
