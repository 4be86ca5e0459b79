"""The insight as readers see it: one row per insight, folded from its stream alone."""

from datetime import datetime

import msgspec
from msgspec import Raw


class TileRow(msgspec.Struct, frozen=True):
    """The insight's tile on one dashboard. deleted: the insight was taken off the dashboard.

    dashboard_name: as it was when the insight came on the dashboard or left it.
    """

    id: int
    dashboard_id: int
    deleted: bool
    dashboard_name: str | None = None


class InsightRow(msgspec.Struct, frozen=True, kw_only=True):
    """One insight. Users are numbers; what they are called is looked up when a body is made.

    filters: `{}` when there are none; query: the document `null` when there is none.
    tiles: one a dashboard, in the order in which the insight came on each dashboard first. Deleting
        the insight leaves them as they are: a deleted insight shows none, and restoring it shows
        the same ones.
    updated_at: moves with every change; last_modified_*: with name, description, query, filters.
    version: of the insight's stream, the number in the ETag.
    """

    team_id: int
    insight_id: int
    short_id: str
    name: str | None
    derived_name: str | None
    description: str | None
    filters: Raw
    query: Raw
    order: int | None
    deleted: bool
    favorited: bool
    saved: bool
    is_sample: bool
    tags: tuple[str, ...] = ()
    tiles: tuple[TileRow, ...] = ()
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    last_modified_at: datetime
    last_modified_by: int | None
    version: int

    def tile_on(self, dashboard_id: int) -> TileRow | None:
        return next((tile for tile in self.tiles if tile.dashboard_id == dashboard_id), None)
