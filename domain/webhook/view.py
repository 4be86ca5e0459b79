"""The webhook as readers see it.

Deciding needs no more than this, so it is the state too. What the deliverer found is appended
without a look at the stream, so it may come after what makes it pointless: then it changes nothing.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from typing import TypeVar, assert_never

from msgspec.structs import replace

from contracts.events.recorded import Recorded
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
from contracts.read_models.webhook import ParkedLane, ReleasedLane, WebhookRow, WebhookSecret

Lane = TypeVar("Lane", ParkedLane, ReleasedLane)


def project(row: WebhookRow | None, recorded: Recorded[WebhookEvent]) -> WebhookRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, WebhookCreated):
            raise ValueError(f"stream {recorded.stream_id} does not begin with webhook.created")
        return WebhookRow(
            team_id=recorded.team_id,
            webhook_id=event.webhook_id,
            settings=event.settings,
            after=event.after,
            secrets=(WebhookSecret(event.secret_id, event.public_key),),
            since=recorded.at,
            created_at=recorded.at,
            created_by=recorded.user_id,
            updated_at=recorded.at,
            version=recorded.version,
        )
    return replace(_changed(row, recorded), version=recorded.version, updated_at=recorded.at)


def view(history: Iterable[Recorded[WebhookEvent]]) -> WebhookRow | None:
    """None: never created."""
    return reduce(project, history, None)


def _changed(row: WebhookRow, recorded: Recorded[WebhookEvent]) -> WebhookRow:
    event = recorded.event
    match event:
        case WebhookCreated():
            raise ValueError(f"webhook {event.webhook_id} was created twice")
        case WebhookChanged(settings=settings):
            return replace(row, settings=settings)
        case WebhookPaused():
            return replace(row, state="paused")
        case WebhookResumed():
            return replace(row, state="active", disabled_reason=None, since=recorded.at)
        case WebhookDisabled(reason=reason):
            return replace(row, state="disabled", disabled_reason=reason)
        case WebhookSecretRotated():
            return replace(row, secrets=_rotated(row, event, recorded))
        case WebhookLaneParked():
            parked = ParkedLane(
                event.lane, event.sequence, event.parking, event.attempts, event.error, recorded.at
            )
            return replace(
                row,
                parked=(*_others(row.parked, event.lane), parked),
                released=_others(row.released, event.lane),
            )
        case WebhookLaneReleased(lane=lane):
            released = ReleasedLane(lane, event.parking, event.how)
            return replace(
                row,
                parked=_others(row.parked, lane),
                released=(*_others(row.released, lane), released),
            )
        case WebhookDeleted():
            return replace(row, deleted=True)
        case _:
            assert_never(event)


def _others(lanes: tuple[Lane, ...], lane: str) -> tuple[Lane, ...]:
    return tuple(each for each in lanes if each.lane != lane)


def _rotated(
    row: WebhookRow, event: WebhookSecretRotated, recorded: Recorded[WebhookEvent]
) -> tuple[WebhookSecret, ...]:
    *older, current = row.secrets
    until = recorded.at + timedelta(seconds=event.grace_seconds)
    return (
        *(each for each in older if each.until is not None and each.until > recorded.at),
        replace(current, until=until),
        WebhookSecret(event.secret_id, event.public_key),
    )
