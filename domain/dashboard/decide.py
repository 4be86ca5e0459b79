"""Decides a command on a dashboard: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET

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
from contracts.json import same
from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.commands import (
    AddTile,
    Arrangement,
    CreateDashboard,
    DashboardCommand,
    EditDashboard,
)
from domain.errors import AlreadyExists, NotFound
from domain.tags import clean_tags


def decide(command: DashboardCommand, dashboard: DashboardRow | None) -> list[DashboardEvent]:
    """Facts that follow; none when nothing would change. dashboard: None when there is none.

    Raises AlreadyExists on a second creation, NotFound when it was never created or is deleted and
    not being restored.
    """
    match command:
        case CreateDashboard():
            return _create(command, dashboard)
        case EditDashboard():
            # PostHog: only {"deleted": false} reaches a deleted one, and restores it.
            if dashboard is None or (dashboard.deleted and command.deleted is not False):
                raise NotFound
            return _edit(command, dashboard)
        case AddTile(tile_id=tile_id, insight_id=insight_id):
            if dashboard is None or dashboard.deleted:
                raise NotFound
            known = dashboard.tile_of(insight_id)
            return [] if known else [TileAdded(tile_id, insight_id)]
        case _:
            assert_never(command)


def _create(command: CreateDashboard, dashboard: DashboardRow | None) -> list[DashboardEvent]:
    if dashboard is not None:
        raise AlreadyExists
    facts: list[DashboardEvent] = [
        DashboardCreated(
            dashboard_id=command.dashboard_id,
            name=command.name,
            description=command.description,
            filters=command.filters,
            restriction_level=command.restriction_level,
            pinned=command.pinned,
        )
    ]
    if tags := clean_tags(command.tags):
        facts.append(DashboardTagged(tags=tags, previous=()))
    return facts


def _edit(command: EditDashboard, dashboard: DashboardRow) -> list[DashboardEvent]:
    facts: list[DashboardEvent] = []
    if dashboard.deleted:
        facts.append(DashboardRestored())
    facts += _described(command, dashboard)
    facts += _marks(command, dashboard)
    for arrangement in command.arrangements:
        facts += _arranged(arrangement, dashboard)
    if command.deleted is True:
        facts.append(DashboardDeleted(command.live_tiles, command.going_insights))
    return facts


def _described(command: EditDashboard, dashboard: DashboardRow) -> list[DashboardEvent]:
    facts: list[DashboardEvent] = []
    if command.name is not UNSET and command.name != dashboard.name:
        facts.append(DashboardRenamed(command.name, dashboard.name))
    if command.description is not UNSET and command.description != dashboard.description:
        facts.append(DashboardDescribed(command.description, dashboard.description))
    if command.filters is not UNSET and not same(command.filters, dashboard.filters):
        facts.append(DashboardFiltersChanged(command.filters, dashboard.filters))
    return facts


def _marks(command: EditDashboard, dashboard: DashboardRow) -> list[DashboardEvent]:
    facts: list[DashboardEvent] = []
    level = command.restriction_level
    if level is not UNSET and level != dashboard.restriction_level:
        facts.append(DashboardRestricted(level, dashboard.restriction_level))
    if command.pinned is not UNSET and command.pinned != dashboard.pinned:
        facts.append(DashboardPinned() if command.pinned else DashboardUnpinned())
    if command.tags is not UNSET and (tags := clean_tags(command.tags)) != dashboard.tags:
        facts.append(DashboardTagged(tags=tags, previous=dashboard.tags))
    return facts


def _arranged(wanted: Arrangement, dashboard: DashboardRow) -> list[DashboardEvent]:
    tile = next((tile for tile in dashboard.tiles if tile.id == wanted.tile_id), None)
    if tile is None:
        return []
    color = tile.color if wanted.color is UNSET else wanted.color
    layouts = tile.layouts if wanted.layouts is UNSET else wanted.layouts
    if color == tile.color and same(layouts, tile.layouts):
        return []
    return [TileArranged(tile.id, color, layouts, tile.color, tile.layouts)]
