"""The webhook as readers see it, and as it is delivered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contracts.events.webhook import DisabledReason, Release, WebhookSettings

WebhookState = Literal["active", "paused", "disabled"]


class WebhookSecret(msgspec.Struct, frozen=True):
    """until: when it stops signing; None for the current one."""

    id: int
    public_key: str
    until: datetime | None = None


class ParkedLane(msgspec.Struct, frozen=True):
    """A lane that gave up at `sequence`, after so many attempts. error: of the last one."""

    lane: str
    sequence: int
    parking: UUID
    attempts: int
    error: str
    at: datetime


class ReleasedLane(msgspec.Struct, frozen=True):
    """How the last parking of a lane that is not parked ended."""

    lane: str
    parking: UUID
    how: Release


class WebhookRow(msgspec.Struct, frozen=True, kw_only=True):
    """secrets: the current one last. since: when it was made, or last resumed. version: of its
    stream.
    """

    team_id: int
    webhook_id: int
    settings: WebhookSettings
    after: int
    state: WebhookState = "active"
    disabled_reason: DisabledReason | None = None
    secrets: tuple[WebhookSecret, ...]
    parked: tuple[ParkedLane, ...] = ()
    released: tuple[ReleasedLane, ...] = ()
    deleted: bool = False
    since: datetime
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    version: int

    def lane(self, lane: str) -> ParkedLane | None:
        """None: it is not parked."""
        return next((each for each in self.parked if each.lane == lane), None)
