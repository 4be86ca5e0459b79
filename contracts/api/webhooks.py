"""Webhooks on the wire: what a client sends, and the bodies it gets."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.insights import UserBody
from contracts.api.text import TRIMMED, Text
from contracts.api.times import Time, written
from contracts.cursors import NOW
from contracts.events.webhook import DisabledReason, Signature
from contracts.read_models.webhook import ParkedLane, WebhookRow, WebhookState

MOST_IN_FLIGHT = 32
LONGEST_URL = 2_000

_ID = re.compile(r"wh_([1-9][0-9]{0,17})")

Url = Annotated[str, Meta(max_length=LONGEST_URL, extra=TRIMMED)]
InFlight = Annotated[int, Meta(ge=1, le=MOST_IN_FLIGHT)]
AttemptState = Literal["delivered", "failed", "parked"]
"""failed: it is sent again. parked: it was the last attempt, and its lane waits."""


def webhook_id(number: int) -> str:
    return f"wh_{number}"


def webhook_number(text: str) -> int | None:
    """None: it can't name a webhook."""
    found = _ID.fullmatch(text)
    return int(found[1]) if found else None


class WriteWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST and PATCH of a webhook. UNSET: not sent. Other members are ignored.

    types: stored names, and `insight.*` for all that begin so; empty, or null: all. insights: by
    number; null: also facts about none. after: a cursor, of POST alone.
    """

    url: Url | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    types: tuple[str, ...] | UnsetType | None = UNSET
    insights: tuple[int, ...] | UnsetType | None = UNSET
    after: str | UnsetType = UNSET
    max_in_flight: InFlight | UnsetType = UNSET
    signature: Signature | UnsetType = UNSET


class ReplayWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST replay/: the facts behind one cursor, up to another one that it includes."""

    after: str | UnsetType = UNSET
    through: str = NOW
    types: tuple[str, ...] | None = None


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent again, by cursors."""

    after: str
    through: str
    types: tuple[str, ...]


class WebhookStanding(msgspec.Struct, frozen=True):
    """What is no fact about a webhook. delivered, after: cursors, in their long form."""

    url: str
    delivered: str
    after: str
    pending: int


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as every answer carries it. delivered: all up to there is done or parked."""

    id: str
    url: str
    description: str
    types: tuple[str, ...]
    insights: tuple[int, ...] | None
    after: str
    state: WebhookState
    disabled_reason: DisabledReason | None
    max_in_flight: int
    signature: Signature
    public_key: str | None
    delivered: str
    pending: int
    parked: tuple[str, ...]
    version: int
    created_at: Time
    created_by: UserBody | None
    updated_at: Time

    @classmethod
    def of(
        cls, row: WebhookRow, standing: WebhookStanding, created_by: UserBody | None
    ) -> "WebhookBody":
        settings = row.settings
        return WebhookBody(
            id=webhook_id(row.webhook_id),
            url=standing.url,
            description=settings.description,
            types=settings.types,
            insights=settings.insights,
            after=standing.after,
            state=row.state,
            disabled_reason=row.disabled_reason,
            max_in_flight=settings.max_in_flight,
            signature=settings.signature,
            public_key=None if settings.signature == "v1" else row.secrets[-1].public_key,
            delivered=standing.delivered,
            pending=standing.pending,
            parked=tuple(each.lane for each in row.parked),
            version=row.version,
            created_at=written(row.created_at),
            created_by=created_by,
            updated_at=written(row.updated_at),
        )


class NewSecretBody(WebhookBody, frozen=True, kw_only=True):
    """A webhook and its new secret, which is in this answer and nowhere else; null where only v1a
    is signed: then the public key verifies.
    """

    secret: str | None

    @classmethod
    def with_secret(cls, body: WebhookBody, secret: str | None) -> "NewSecretBody":
        members = {name: getattr(body, name) for name in body.__struct_fields__}
        return cls(**members, secret=None if body.signature == "v1a" else secret)


class WebhookPage(msgspec.Struct, frozen=True, kw_only=True):
    """GET webhooks/: all of them; `next` is null."""

    results: tuple[WebhookBody, ...]
    next: str | None = None


class Attempt(msgspec.Struct, frozen=True):
    """One time that an event was sent, as it is stored; its columns in their order."""

    number: int
    sequence: int | None
    lane: str
    at: datetime
    duration_ms: int
    state: AttemptState
    status: int | None
    error: str | None
    response: str | None
    retry_at: datetime | None


class AttemptBody(msgspec.Struct, frozen=True, kw_only=True):
    """sequence: null for a test. error: why it failed, null after a 2xx. response: the first kB."""

    number: int
    sequence: int | None
    lane: str
    at: Time
    duration_ms: int
    state: AttemptState
    status: int | None
    error: str | None
    response: str | None
    retry_at: Time | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptBody":
        return cls(
            number=attempt.number,
            sequence=attempt.sequence,
            lane=attempt.lane,
            at=written(attempt.at),
            duration_ms=attempt.duration_ms,
            state=attempt.state,
            status=attempt.status,
            error=attempt.error,
            response=attempt.response,
            retry_at=written(attempt.retry_at),
        )


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest first. next: an absolute URL; null at the end."""

    results: tuple[AttemptBody, ...]
    next: str | None


class ParkedBody(msgspec.Struct, frozen=True, kw_only=True):
    """A lane that gave up at `sequence`."""

    lane: str
    sequence: int
    attempts: int
    error: str
    at: Time


class ParkedPage(msgspec.Struct, frozen=True, kw_only=True):
    results: tuple[ParkedBody, ...]
    next: str | None = None

    @classmethod
    def of(cls, lanes: Sequence[ParkedLane]) -> "ParkedPage":
        return cls(
            results=tuple(
                ParkedBody(
                    lane=each.lane,
                    sequence=each.sequence,
                    attempts=each.attempts,
                    error=each.error,
                    at=written(each.at),
                )
                for each in lanes
            )
        )
