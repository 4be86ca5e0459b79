"""Decides a command on a webhook: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET
from msgspec.structs import asdict, replace

from contracts.events.webhook import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookEvent,
    WebhookLaneReleased,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from contracts.read_models.webhook import WebhookRow
from domain.errors import AlreadyExists, NotFound
from domain.webhook.commands import (
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    ReleaseLane,
    ResumeWebhook,
    RotateWebhookSecret,
    WebhookCommand,
)


def decide(command: WebhookCommand, webhook: WebhookRow | None) -> list[WebhookEvent]:
    """Facts that follow; none when nothing would change. webhook: None when there is none.

    Raises AlreadyExists on a second creation; NotFound when it was never created or is deleted, and
    for a lane that is not parked.
    """
    if isinstance(command, CreateWebhook):
        if webhook is not None:
            raise AlreadyExists
        return [
            WebhookCreated(
                command.webhook_id,
                command.settings,
                command.after,
                command.secret_id,
                command.public_key,
            )
        ]
    if webhook is None or webhook.deleted:
        raise NotFound
    match command:
        case EditWebhook():
            return _edit(command, webhook)
        case PauseWebhook():
            return [WebhookPaused()] if webhook.state == "active" else []
        case ResumeWebhook():
            return [] if webhook.state == "active" else [WebhookResumed()]
        case RotateWebhookSecret(secret_id=secret, public_key=key, grace_seconds=grace):
            return [WebhookSecretRotated(secret, key, webhook.secrets[-1].id, grace)]
        case ReleaseLane(lane=lane, how=how):
            parked = webhook.lane(lane)
            if parked is None:
                raise NotFound
            return [WebhookLaneReleased(lane, parked.sequence, parked.parking, how)]
        case DeleteWebhook():
            return [WebhookDeleted()]
        case _:
            assert_never(command)


def _edit(command: EditWebhook, webhook: WebhookRow) -> list[WebhookEvent]:
    before = webhook.settings
    sent = {name: value for name, value in asdict(command).items() if value is not UNSET}
    address = sent.pop("address", None)
    if address is not None:
        sent |= {"host": address.host, "address_id": address.id}
    after = replace(before, **sent)
    return [] if after == before else [WebhookChanged(after, before)]
