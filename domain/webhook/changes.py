"""The changes that each fact of a webhook makes."""

from typing import assert_never

from msgspec.structs import asdict

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
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: WebhookEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one.

    A URL is told by its host.
    """
    match event:
        case WebhookChanged(settings=after, previous=before):
            return _of_settings(asdict(before), asdict(after))
        case WebhookPaused():
            return [_change("state", "active", "paused")]
        case WebhookResumed():
            return [_change("state", None, "active")]
        case WebhookDisabled(reason=reason):
            return [_change("state", None, "disabled"), _change("disabled_reason", None, reason)]
        case WebhookSecretRotated():
            return [_change("secret", event.previous, event.secret_id)]
        case WebhookLaneParked(lane=lane):
            return [_change("parked", None, lane)]
        case WebhookLaneReleased(lane=lane):
            return [_change("parked", lane, None)]
        case WebhookDeleted():
            return [_change("deleted", False, True)]
        case WebhookCreated():
            return []
        case _:
            assert_never(event)


def _of_settings(before: dict[str, object], after: dict[str, object]) -> list[Change]:
    """A new address is a change even on the same host."""
    moved = before.pop("address_id") != after.pop("address_id")
    return [
        _change("url" if name == "host" else name, before[name], after[name])
        for name in after
        if before[name] != after[name] or (name == "host" and moved)
    ]


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Webhook")
