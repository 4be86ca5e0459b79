"""Views and visits as the activity log of the insight tells them."""

from typing import assert_never

from contracts.events.viewing import (
    InsightViewed,
    ShareLoginFailed,
    ShareLoginSucceeded,
    ViewingEvent,
)

VIEWED = "viewed"


def activity_name(event: ViewingEvent) -> str:
    """PostHog's names for the visits; a view has none there."""
    match event:
        case InsightViewed():
            return VIEWED
        case ShareLoginSucceeded():
            return "share_login_success"
        case ShareLoginFailed():
            return "share_login_failed"
        case _:
            assert_never(event)


def is_quiet(event: ViewingEvent) -> bool:
    """PostHog's log does not know views; ours shows them under `?all=true`."""
    return isinstance(event, InsightViewed)
