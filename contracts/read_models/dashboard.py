"""The dashboard as readers see it: one row per dashboard, folded from its stream alone."""

from datetime import datetime

import msgspec
from msgspec import Raw

from contracts.events.dashboard import RestrictionLevel
from contracts.json import EMPTY_OBJECT


class DashboardTile(msgspec.Struct, frozen=True):
    """An insight's place on the dashboard. Whether it is there now, the insight's row tells."""

    id: int
    insight_id: int
    color: str | None = None
    layouts: Raw = EMPTY_OBJECT


class DashboardRow(msgspec.Struct, frozen=True, kw_only=True):
    """One dashboard. tiles: every one it ever had, in the order in which they came.

    gone_tiles, gone_insights: what its deletion took along; empty while it is there.
    version: of the dashboard's stream, the number in the ETag.
    """

    team_id: int
    dashboard_id: int
    name: str | None
    description: str
    filters: Raw
    restriction_level: RestrictionLevel
    pinned: bool
    deleted: bool = False
    tags: tuple[str, ...] = ()
    tiles: tuple[DashboardTile, ...] = ()
    gone_tiles: tuple[int, ...] = ()
    gone_insights: tuple[int, ...] = ()
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    version: int

    def tile_of(self, insight_id: int) -> DashboardTile | None:
        return next((tile for tile in self.tiles if tile.insight_id == insight_id), None)
