"""The commands on a webhook."""

import msgspec
from msgspec import UNSET, UnsetType

from contracts.events.webhook import Release, Signature, WebhookSettings


class CreateWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """after: the sequence behind which it begins."""

    webhook_id: int
    settings: WebhookSettings
    after: int
    secret_id: int
    public_key: str


class Address(msgspec.Struct, frozen=True):
    """A URL by its host and its number in `webhook_secrets`."""

    host: str
    id: int


class EditWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone."""

    address: Address | UnsetType = UNSET
    description: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType = UNSET
    insights: tuple[int, ...] | UnsetType | None = UNSET
    max_in_flight: int | UnsetType = UNSET
    signature: Signature | UnsetType = UNSET


class PauseWebhook(msgspec.Struct, frozen=True):
    pass


class ResumeWebhook(msgspec.Struct, frozen=True):
    pass


class RotateWebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """grace_seconds: how long the secret before goes on signing."""

    secret_id: int
    public_key: str
    grace_seconds: int


class ReleaseLane(msgspec.Struct, frozen=True):
    lane: str
    how: Release


class DeleteWebhook(msgspec.Struct, frozen=True):
    pass


WebhookCommand = (
    CreateWebhook
    | EditWebhook
    | PauseWebhook
    | ResumeWebhook
    | RotateWebhookSecret
    | ReleaseLane
    | DeleteWebhook
)
