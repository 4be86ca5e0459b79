"""Dashboards on the wire: what a client sends, and the bodies it gets."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.insights import AccessLevel, InsightBody, UserBody
from contracts.api.text import Name, Tag, Text
from contracts.api.times import Time, written
from contracts.events.dashboard import RestrictionLevel
from contracts.json import JsonObject, ObjectOrNull
from contracts.read_models.dashboard import DashboardRow, DashboardTile

Color = Annotated[str, Meta(max_length=400)]


class WriteTile(msgspec.Struct, frozen=True, kw_only=True):
    """One of `tiles` in a PATCH. deleted: true its insight leaves, false or null: it is back."""

    id: int
    color: Color | UnsetType | None = UNSET
    layouts: ObjectOrNull | UnsetType = UNSET
    deleted: bool | UnsetType | None = UNSET


class WriteDashboard(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST and PATCH of a dashboard. UNSET: not sent. Other members are ignored.

    delete_insights: with `deleted: true`, the insights that are on no other dashboard go with it.
    """

    name: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    filters: ObjectOrNull | UnsetType = UNSET
    restriction_level: RestrictionLevel | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    tags: tuple[Tag, ...] | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    delete_insights: bool = False
    tiles: tuple[WriteTile, ...] | UnsetType = UNSET


class DashboardTileBody(msgspec.Struct, frozen=True, kw_only=True):
    """One tile in sight. order: from 0, as the tiles came on the dashboard."""

    id: int
    insight: InsightBody | None
    color: str | None
    layouts: ObjectOrNull
    deleted: bool = False
    order: int
    text: None = None
    last_refresh: Time | None = None
    is_cached: bool = False

    @classmethod
    def of(cls, tile: DashboardTile, order: int, insight: InsightBody) -> "DashboardTileBody":
        return cls(
            id=tile.id,
            insight=insight,
            color=tile.color,
            layouts=tile.layouts,
            order=order,
            last_refresh=insight.last_refresh,
            is_cached=insight.is_cached,
        )


class DashboardBody(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard as every answer carries it.

    effective_privilege_level: 37 when the caller may edit it.
    """

    id: int
    name: str | None
    description: str
    pinned: bool
    created_at: Time
    created_by: UserBody | None
    is_shared: bool = False
    deleted: bool
    creation_mode: str = "default"
    filters: JsonObject
    tags: tuple[str, ...]
    tiles: tuple[DashboardTileBody, ...]
    restriction_level: RestrictionLevel
    effective_restriction_level: RestrictionLevel
    effective_privilege_level: Literal[21, 37]
    user_access_level: AccessLevel
    last_refresh: Time | None = None
    team_id: int

    @classmethod
    def of(
        cls,
        row: DashboardRow,
        insights: Sequence[InsightBody],
        *,
        created_by: UserBody | None,
        restriction: RestrictionLevel,
        may_edit: bool,
        is_manager: bool,
    ) -> "DashboardBody":
        """insights: those that are on it and in sight of the caller. restriction: today's, though
        the row may be of another moment.
        """
        shown = {insight.id: insight for insight in insights}
        there = [tile for tile in row.tiles if tile.insight_id in shown]
        return cls(
            id=row.dashboard_id,
            name=row.name,
            description=row.description,
            pinned=row.pinned,
            created_at=written(row.created_at),
            created_by=created_by,
            deleted=row.deleted,
            filters=row.filters,
            tags=row.tags,
            tiles=tuple(
                DashboardTileBody.of(tile, order, shown[tile.insight_id])
                for order, tile in enumerate(there)
            ),
            restriction_level=row.restriction_level,
            effective_restriction_level=restriction,
            effective_privilege_level=37 if may_edit else 21,
            user_access_level="manager" if is_manager else "editor" if may_edit else "viewer",
            team_id=row.team_id,
        )


class DashboardPage(msgspec.Struct, frozen=True, kw_only=True):
    """GET dashboards/. next, previous: absolute URLs, null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[DashboardBody, ...]
