"""Sharing facts as the activity log of the insight tells them."""

from contracts.events.sharing import (
    AccessTokenRotated,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingSettingsChanged,
)
from contracts.read_models.activity import Change
from domain.insight.activity import change


def activity_name(event: SharingEvent) -> str:
    if isinstance(event, SharingEnabled):
        return "sharing enabled"
    if isinstance(event, SharingDisabled):
        return "sharing disabled"
    if isinstance(event, AccessTokenRotated):
        return "access token refreshed"
    return "sharing changed"


def changes(event: SharingEvent) -> list[Change]:
    """Only the switch has a change, and no before. PostHog: SharingConfigurationViewSet.patch."""
    match event:
        case SharingEnabled():
            return [_switched(True)]
        case SharingDisabled():
            return [_switched(False)]
        case SharingSettingsChanged(settings=settings, previous=previous):
            return [change("sharing_settings", previous, settings)]
        case _:
            return []


def is_quiet(event: SharingEvent) -> bool:
    """Shown under `?all=true` only: PostHog's log does not know them."""
    return not isinstance(event, SharingEnabled | SharingDisabled | AccessTokenRotated)


def _switched(on: bool) -> Change:
    # The action is `changed` though nothing stands before it.
    shown = change("sharing", None, on)
    return Change(action="changed", field=shown.field, before=shown.before, after=shown.after)
