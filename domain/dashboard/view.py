"""The dashboard as readers see it.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardEvent,
    DashboardFiltersChanged,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardRestricted,
    DashboardTagged,
    DashboardUnpinned,
    TileAdded,
    TileArranged,
)
from contracts.events.recorded import Recorded
from contracts.read_models.dashboard import DashboardRow, DashboardTile


def project(row: DashboardRow | None, recorded: Recorded[DashboardEvent]) -> DashboardRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, DashboardCreated):
            raise ValueError(f"stream {recorded.stream_id} does not begin with dashboard.created")
        return _created(event, recorded)
    return replace(_changed(row, event), version=recorded.version, updated_at=recorded.at)


def view(history: Iterable[Recorded[DashboardEvent]]) -> DashboardRow | None:
    """None: never created."""
    return reduce(project, history, None)


def _created(event: DashboardCreated, recorded: Recorded[DashboardEvent]) -> DashboardRow:
    return DashboardRow(
        team_id=recorded.team_id,
        dashboard_id=event.dashboard_id,
        name=event.name,
        description=event.description,
        filters=event.filters,
        restriction_level=event.restriction_level,
        pinned=event.pinned,
        created_at=recorded.at,
        created_by=recorded.user_id,
        updated_at=recorded.at,
        version=recorded.version,
    )


def _changed(row: DashboardRow, event: DashboardEvent) -> DashboardRow:
    match event:
        case DashboardCreated():
            raise ValueError(f"dashboard {event.dashboard_id} was created twice")
        case DashboardRenamed(name=name):
            return replace(row, name=name)
        case DashboardDescribed(description=description):
            return replace(row, description=description)
        case DashboardFiltersChanged(filters=filters):
            return replace(row, filters=filters)
        case DashboardRestricted(restriction_level=level):
            return replace(row, restriction_level=level)
        case DashboardTagged(tags=tags):
            return replace(row, tags=tags)
        case DashboardPinned():
            return replace(row, pinned=True)
        case DashboardUnpinned():
            return replace(row, pinned=False)
        case TileAdded(tile_id=tile_id, insight_id=insight_id):
            return replace(row, tiles=(*row.tiles, DashboardTile(tile_id, insight_id)))
        case TileArranged():
            tiles = tuple(
                replace(tile, color=event.color, layouts=event.layouts)
                if tile.id == event.tile_id
                else tile
                for tile in row.tiles
            )
            return replace(row, tiles=tiles)
        case DashboardDeleted(tiles=gone_tiles, insights=gone_insights):
            return replace(row, deleted=True, gone_tiles=gone_tiles, gone_insights=gone_insights)
        case DashboardRestored():
            return replace(row, deleted=False, gone_tiles=(), gone_insights=())
        case _:
            assert_never(event)
