"""Operations on a webhook are taken back, but for those that leave nothing to go back to."""

from typing import Any
from uuid import UUID

import pytest
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
from tests.domain.undo.undoing import By, Told, places, said
from tests.examples import stream

SETTINGS = WebhookSettings(
    host="a.example.com",
    address_id=1,
    description="",
    types=(),
    insights=None,
    max_in_flight=8,
    signature="v1",
)
MADE = WebhookCreated(3, SETTINGS, 0, 2, "whpk_a")
MOVED = replace(SETTINGS, host="b.example.com", address_id=4, max_in_flight=1)
CHANGED = WebhookChanged(MOVED, SETTINGS)
PARKED = WebhookLaneParked("insight/7", 5, UUID(int=1), 10, "status")


def told(*operations: Any) -> Told:
    return Told(stream(StreamKind.WEBHOOK, 3), *operations)


def test_a_change_goes_back_field_by_field() -> None:
    story = told([MADE], [CHANGED])
    assert story.undo(2).facts == (WebhookChanged(SETTINGS, MOVED),)
    assert places(story.undo(2)) == [("max_in_flight", None), ("url", None)]
    url_alone = WebhookChanged(replace(SETTINGS, max_in_flight=1), MOVED)
    assert story.undo(2, fields=frozenset({"url"})).facts == (url_alone,)
    later = replace(MOVED, max_in_flight=2)
    story = told([MADE], [CHANGED], [WebhookChanged(later, MOVED)])
    assert said(story.undo(2).conflicts) == [("changed", "max_in_flight", None, "1", "2", [3])]
    back = WebhookChanged(replace(SETTINGS, max_in_flight=2), later)
    assert story.undo(2, only_free=True).facts == (back,)


def test_a_pause_goes_back_and_a_webhook_that_was_made_goes() -> None:
    assert told([MADE], [WebhookPaused()]).undo(2).facts == (WebhookResumed(),)
    story = told([MADE], [WebhookPaused()], [WebhookResumed()])
    assert story.undo(3).facts == (WebhookPaused(),)
    assert told([MADE]).undo(1).facts == (WebhookDeleted(),)
    assert told([MADE], By([WebhookPaused()])).undo(1).is_refused


@pytest.mark.parametrize(
    "fact",
    [
        WebhookSecretRotated(5, "whpk_b", 2, 86_400),
        WebhookDisabled("gone"),
        WebhookDeleted(),
        PARKED,
        WebhookLaneReleased("insight/7", 5, UUID(int=1), "skip"),
    ],
)
def test_what_leaves_nothing_to_go_back_to_stays(fact: WebhookEvent) -> None:
    before = [MADE, PARKED] if isinstance(fact, WebhookLaneReleased) else [MADE]
    taken = told(before, [fact]).undo(2)
    assert (taken.facts, taken.is_refused) == ((), True)
    assert len(taken.not_undoable) == 1
