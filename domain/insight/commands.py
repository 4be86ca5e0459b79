"""What a user can ask of an insight."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.json import EMPTY_OBJECT, NULL


class DashboardPlace(msgspec.Struct, frozen=True):
    """A dashboard the insight shall be on. tile_id: for a tile that does not exist yet."""

    dashboard_id: int
    name: str | None
    tile_id: int


class CreateInsight(msgspec.Struct, frozen=True, kw_only=True):
    insight_id: int
    short_id: str
    name: str | None = None
    derived_name: str | None = None
    description: str | None = None
    filters: Raw = EMPTY_OBJECT
    query: Raw = NULL
    order: int | None = None
    favorited: bool = False
    saved: bool = True
    is_sample: bool = False
    tags: tuple[str, ...] = ()
    dashboards: tuple[DashboardPlace, ...] = ()
    deleted: bool = False


class EditInsight(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. None (or the document `null`): clear.

    dashboards: all of those the insight shall be on; it leaves the others.
    """

    name: str | None | UnsetType = UNSET
    derived_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    filters: Raw | UnsetType = UNSET
    query: Raw | UnsetType = UNSET
    order: int | None | UnsetType = UNSET
    favorited: bool | UnsetType = UNSET
    saved: bool | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    dashboards: tuple[DashboardPlace, ...] | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


InsightCommand = CreateInsight | EditInsight


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """PostHog: tagify and set_tags_on_object; trimmed, lower-cased, distinct, sorted, none empty."""
    return tuple(sorted({tag.strip().lower() for tag in tags} - {""}))
