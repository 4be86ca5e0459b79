"""Facts of one insight's sharing stream; tokens and passwords are named by their ids."""

from msgspec import Raw

from contracts.events.fact import Fact


class SharingEnabled(Fact, frozen=True, tag="sharing.enabled.v1"):
    """Each switching on from off has a new token; every earlier one is dead."""

    insight_id: int
    token_id: int


class SharingDisabled(Fact, frozen=True, tag="sharing.disabled.v1"):
    insight_id: int


class SharingSettingsChanged(Fact, frozen=True, tag="sharing.settings_changed.v1"):
    """settings: an object of the known keys, or the document `null`."""

    insight_id: int
    settings: Raw
    previous: Raw


class SharingPasswordRequired(Fact, frozen=True, tag="sharing.password_required.v1"):
    insight_id: int


class SharingPasswordNotRequired(Fact, frozen=True, tag="sharing.password_not_required.v1"):
    insight_id: int


class AccessTokenRotated(Fact, frozen=True, tag="sharing.access_token_rotated.v1"):
    """The old token goes on working for `grace_seconds` after this fact's time."""

    insight_id: int
    token_id: int
    previous_token_id: int
    grace_seconds: int


class SharePasswordAdded(Fact, frozen=True, tag="sharing.password_added.v1"):
    insight_id: int
    password_id: int
    note: str | None


class SharePasswordRemoved(Fact, frozen=True, tag="sharing.password_removed.v1"):
    insight_id: int
    password_id: int


SharingEvent = (
    SharingEnabled
    | SharingDisabled
    | SharingSettingsChanged
    | SharingPasswordRequired
    | SharingPasswordNotRequired
    | AccessTokenRotated
    | SharePasswordAdded
    | SharePasswordRemoved
)
