"""The commands on a dashboard."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.events.dashboard import RestrictionLevel
from contracts.json import EMPTY_OBJECT


class CreateDashboard(msgspec.Struct, frozen=True, kw_only=True):
    dashboard_id: int
    name: str | None = None
    description: str = ""
    filters: Raw = EMPTY_OBJECT
    restriction_level: RestrictionLevel = 21
    pinned: bool = False
    tags: tuple[str, ...] = ()


class Arrangement(msgspec.Struct, frozen=True, kw_only=True):
    """The new look of one tile. UNSET: leave alone."""

    tile_id: int
    color: str | UnsetType | None = UNSET
    layouts: Raw | UnsetType = UNSET


class EditDashboard(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. Arrangements of tiles that are not there say nothing.

    live_tiles, going_insights: what a deletion takes along; asked for `deleted=True` alone.
    """

    name: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    filters: Raw | UnsetType = UNSET
    restriction_level: RestrictionLevel | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    arrangements: tuple[Arrangement, ...] = ()
    deleted: bool | UnsetType = UNSET
    live_tiles: tuple[int, ...] = ()
    going_insights: tuple[int, ...] = ()


class AddTile(msgspec.Struct, frozen=True, kw_only=True):
    """An insight comes on it. tile_id: for the case that it was never there before."""

    tile_id: int
    insight_id: int


DashboardCommand = CreateDashboard | EditDashboard | AddTile
