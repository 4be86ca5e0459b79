"""The changes that each fact of an insight's sharing makes, and their activity."""

from typing import assert_never

from msgspec.structs import replace

from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.read_models.activity import Change
from domain.changes import change


def activity_name(event: SharingEvent) -> str:
    if isinstance(event, SharingEnabled):
        return "sharing enabled"
    if isinstance(event, SharingDisabled):
        return "sharing disabled"
    if isinstance(event, AccessTokenRotated):
        return "access token refreshed"
    return "sharing changed"


def changes(event: SharingEvent) -> list[Change]:
    """The fact's changes. The switch has no before. PostHog: SharingConfigurationViewSet.patch.

    A rotation names the field alone: nobody may read the tokens here.
    """
    match event:
        case SharingEnabled() | SharingDisabled():
            switched = _change("sharing", None, isinstance(event, SharingEnabled))
            # The action is `changed` though there is no value before.
            return [replace(switched, action="changed")]
        case SharingSettingsChanged(settings=settings, previous=previous):
            return [_change("sharing_settings", previous, settings)]
        case SharingPasswordRequired() | SharingPasswordNotRequired():
            required = isinstance(event, SharingPasswordRequired)
            return [_change("password_required", not required, required)]
        case SharePasswordAdded(password_id=password_id):
            return [_change("share_passwords", None, password_id)]
        case SharePasswordRemoved(password_id=password_id):
            return [_change("share_passwords", password_id, None)]
        case AccessTokenRotated():
            return [_change("access_token", None, None)]
        case _:
            assert_never(event)


def activity_changes(event: SharingEvent) -> list[Change]:
    """As the activity log shows them: PostHog's entry of a rotation has no changes."""
    return [] if isinstance(event, AccessTokenRotated) else changes(event)


def is_quiet(event: SharingEvent) -> bool:
    """Shown under `?all=true` only: PostHog's log does not know them."""
    return not isinstance(event, SharingEnabled | SharingDisabled | AccessTokenRotated)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Insight")
