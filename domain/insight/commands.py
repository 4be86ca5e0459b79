"""The commands on an insight."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.json import EMPTY_OBJECT, NULL


class NewTile(msgspec.Struct, frozen=True):
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
    dashboards: tuple[NewTile, ...] = ()
    deleted: bool = False


class EditInsight(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. None (or the document `null`): clear.

    dashboards: all of those the insight shall be on; it leaves the others.
    """

    name: str | UnsetType | None = UNSET
    derived_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    filters: Raw | UnsetType = UNSET
    query: Raw | UnsetType = UNSET
    order: int | UnsetType | None = UNSET
    favorited: bool | UnsetType = UNSET
    saved: bool | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    dashboards: tuple[NewTile, ...] | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


class LeaveDashboard(msgspec.Struct, frozen=True, kw_only=True):
    """The dashboard is deleted, or takes the tile off; a deleted insight leaves it too.

    delete: the insight goes with it.
    """

    dashboard_id: int
    delete: bool = False


class ReturnToDashboard(msgspec.Struct, frozen=True, kw_only=True):
    """The dashboard is back, or puts the tile back. restore: the insight was deleted with it."""

    dashboard_id: int
    name: str | None
    restore: bool = False


InsightCommand = CreateInsight | EditInsight | LeaveDashboard | ReturnToDashboard
