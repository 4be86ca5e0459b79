"""Facts of one webhook's stream. They name the host of its address alone: the whole URL, which may
hold a password, and its secrets stand in the table `webhook_secrets`, and are named by their ids.
"""

from typing import Literal
from uuid import UUID

import msgspec

from contracts.events.fact import Fact

Signature = Literal["v1", "v1a", "both"]
"""v1: HMAC-SHA256. v1a: Ed25519."""
DisabledReason = Literal["gone", "no_success"]
"""gone: the receiver answered 410. no_success: five days without one 2xx."""
Release = Literal["retry", "skip"]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """host: of the URL that `address_id` names. types: as contracts.fact_filters reads them; empty
    for all. insights: numbers; None for all facts, also for those about no insight.
    """

    host: str
    address_id: int
    description: str
    types: tuple[str, ...]
    insights: tuple[int, ...] | None
    max_in_flight: int
    signature: Signature


class WebhookCreated(Fact, frozen=True, tag="webhook.created.v1"):
    """after: the sequence behind which it begins. public_key: of the secret, for v1a."""

    webhook_id: int
    settings: WebhookSettings
    after: int
    secret_id: int
    public_key: str


class WebhookChanged(Fact, frozen=True, tag="webhook.changed.v1"):
    settings: WebhookSettings
    previous: WebhookSettings


class WebhookPaused(Fact, frozen=True, tag="webhook.paused.v1"):
    pass


class WebhookResumed(Fact, frozen=True, tag="webhook.resumed.v1"):
    """It goes on where it stopped, whether it was paused or disabled."""


class WebhookDisabled(Fact, frozen=True, tag="webhook.disabled.v1"):
    reason: DisabledReason


class WebhookSecretRotated(Fact, frozen=True, tag="webhook.secret_rotated.v1"):
    """previous: the secret that goes on signing for `grace_seconds`."""

    secret_id: int
    public_key: str
    previous: int
    grace_seconds: int


class WebhookLaneParked(Fact, frozen=True, tag="webhook.lane_parked.v1"):
    """The last attempt at `sequence` failed; all that is due in the lane waits.

    parking: of this time, since a lane may be parked again. error: as the attempt has it.
    """

    lane: str
    sequence: int
    parking: UUID
    attempts: int
    error: str


class WebhookLaneReleased(Fact, frozen=True, tag="webhook.lane_released.v1"):
    """retry: the fact is sent anew. skip: it never is, and the lane goes on behind it."""

    lane: str
    sequence: int
    parking: UUID
    how: Release


class WebhookDeleted(Fact, frozen=True, tag="webhook.deleted.v1"):
    """For good: its address and its secrets are gone."""


WebhookEvent = (
    WebhookCreated
    | WebhookChanged
    | WebhookPaused
    | WebhookResumed
    | WebhookDisabled
    | WebhookSecretRotated
    | WebhookLaneParked
    | WebhookLaneReleased
    | WebhookDeleted
)
