"""What follows from a command on a webhook, and what its facts make of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import json
from msgspec.structs import replace

from contracts.events.streams import StreamKind
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
    WebhookSettings,
)
from contracts.read_models.webhook import WebhookRow, WebhookSecret
from domain.errors import AlreadyExists, NotFound
from domain.webhook.changes import changes
from domain.webhook.commands import (
    Address,
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    ReleaseLane,
    ResumeWebhook,
    RotateWebhookSecret,
    WebhookCommand,
)
from domain.webhook.decide import decide
from domain.webhook.view import view
from tests.domain.story import Past
from tests.examples import ALICE, recorded, stream

SETTINGS = WebhookSettings(
    host="hooks.example.com",
    address_id=1,
    description="",
    types=("insight.*",),
    insights=None,
    max_in_flight=8,
    signature="v1",
)
MADE = WebhookCreated(3, SETTINGS, 510, 2, "whpk_old")
PARKING = UUID(int=9)
PARKED = WebhookLaneParked("insight/7", 512, PARKING, 10, "status")


def seen(*events: WebhookEvent) -> WebhookRow:
    row = view(recorded(events, of=stream(StreamKind.WEBHOOK, 3)))
    assert row is not None
    return row


def past(*events: WebhookEvent) -> Past[WebhookCommand, WebhookEvent]:
    row = seen(*events) if events else None
    return Past(lambda command: decide(command, row))


def test_a_webhook_is_created_once() -> None:
    command = CreateWebhook(
        webhook_id=3, settings=SETTINGS, after=510, secret_id=2, public_key="whpk_old"
    )
    past().when(command).then(MADE)
    past(MADE).when(command).then_refused(AlreadyExists)


def test_a_change_records_both_sides_whole() -> None:
    edit = EditWebhook(address=Address("other.example.com", 4), types=(), max_in_flight=1)
    after = replace(SETTINGS, host="other.example.com", address_id=4, types=(), max_in_flight=1)
    past(MADE).when(edit).then(WebhookChanged(after, SETTINGS))
    past(MADE).when(EditWebhook(types=("insight.*",), signature="v1")).then_nothing()


def test_pausing_and_resuming_say_only_what_is_new() -> None:
    past(MADE).when(ResumeWebhook()).then_nothing()
    past(MADE).when(PauseWebhook()).then(WebhookPaused())
    past(MADE, WebhookPaused()).when(PauseWebhook()).then_nothing()
    past(MADE, WebhookPaused()).when(ResumeWebhook()).then(WebhookResumed())
    past(MADE, WebhookDisabled("gone")).when(PauseWebhook()).then_nothing()
    past(MADE, WebhookDisabled("gone")).when(ResumeWebhook()).then(WebhookResumed())


def test_only_a_parked_lane_is_released() -> None:
    released = WebhookLaneReleased("insight/7", 512, PARKING, "skip")
    past(MADE, PARKED).when(ReleaseLane("insight/7", "skip")).then(released)
    past(MADE).when(ReleaseLane("insight/7", "skip")).then_refused(NotFound)
    past(MADE, PARKED).when(ReleaseLane("insight/8", "retry")).then_refused(NotFound)
    past(MADE, PARKED, released).when(ReleaseLane("insight/7", "retry")).then_refused(NotFound)


@pytest.mark.parametrize(
    "command",
    [
        EditWebhook(description="x"),
        PauseWebhook(),
        ResumeWebhook(),
        RotateWebhookSecret(secret_id=5, public_key="whpk_new", grace_seconds=1),
        ReleaseLane("insight/7", "skip"),
        DeleteWebhook(),
    ],
)
def test_what_is_deleted_or_never_was_takes_no_command(command: WebhookCommand) -> None:
    past().when(command).then_refused(NotFound)
    past(MADE, PARKED, WebhookDeleted()).when(command).then_refused(NotFound)


def test_both_secrets_sign_until_the_older_one_has_had_its_time() -> None:
    rotate = RotateWebhookSecret(secret_id=5, public_key="whpk_new", grace_seconds=86_400)
    rotated = WebhookSecretRotated(5, "whpk_new", 2, 86_400)
    past(MADE).when(rotate).then(rotated)
    row = seen(MADE, rotated)
    assert row.secrets == (
        WebhookSecret(2, "whpk_old", row.updated_at + timedelta(days=1)),
        WebhookSecret(5, "whpk_new"),
    )
    # Two seconds later, in the examples' time.
    again = seen(MADE, WebhookSecretRotated(5, "b", 2, 1), WebhookSecretRotated(6, "c", 5, 9))
    assert [secret.id for secret in again.secrets] == [5, 6]


def test_the_view_follows_every_fact() -> None:
    released = WebhookLaneReleased("insight/7", 512, PARKING, "retry")
    row = seen(MADE, PARKED, WebhookDisabled("no_success"))
    assert (row.state, row.disabled_reason, row.version) == ("disabled", "no_success", 3)
    assert (row.after, row.created_by, row.deleted) == (510, ALICE.user_id, False)
    lane = row.lane("insight/7")
    assert lane is not None
    assert (lane.sequence, lane.parking, lane.attempts) == (512, PARKING, 10)
    row = seen(MADE, PARKED, WebhookDisabled("gone"), released, WebhookResumed())
    assert (row.state, row.disabled_reason, row.parked) == ("active", None, ())
    assert [(each.parking, each.how) for each in row.released] == [(PARKING, "retry")]
    assert row.since == row.updated_at
    again = seen(MADE, PARKED, released, replace(PARKED, parking=UUID(int=10)))
    assert again.released == ()
    assert seen(MADE, WebhookDeleted()).deleted


def test_a_history_begins_with_its_creation() -> None:
    for events in ([PARKED], [MADE, MADE]):
        with pytest.raises(ValueError, match="created"):
            seen(*events)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (MADE, []),
        (
            WebhookChanged(replace(SETTINGS, address_id=4, max_in_flight=1), SETTINGS),
            [("url", "hooks.example.com", "hooks.example.com"), ("max_in_flight", 8, 1)],
        ),
        (WebhookPaused(), [("state", "active", "paused")]),
        (WebhookResumed(), [("state", None, "active")]),
        (WebhookDisabled("gone"), [("state", None, "disabled"), ("disabled_reason", None, "gone")]),
        (WebhookSecretRotated(5, "b", 2, 1), [("secret", 2, 5)]),
        (PARKED, [("parked", None, "insight/7")]),
        (
            WebhookLaneReleased("insight/7", 512, PARKING, "skip"),
            [("parked", "insight/7", None)],
        ),
        (WebhookDeleted(), [("deleted", False, True)]),
    ],
)
def test_what_a_fact_of_a_webhook_changed(
    event: WebhookEvent, told: list[tuple[str, Any, Any]]
) -> None:
    found = changes(event)
    assert {change.type for change in found} <= {"Webhook"}
    assert [
        (change.field, json.decode(change.before), json.decode(change.after)) for change in found
    ] == told
