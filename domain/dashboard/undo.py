"""Takes an operation on a dashboard back."""

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Any, assert_never
from uuid import UUID

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
from contracts.events.recorded import Recorded
from contracts.events.streams import Stream
from contracts.read_models.dashboard import DashboardRow, DashboardTile
from domain.dashboard.commands import Arrangement, EditDashboard
from domain.dashboard.view import project
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import Placed, place
from domain.history.undoing import Undoing, UndoTerms

_TILES = "tiles"


def undo(
    stream: Stream[DashboardEvent],
    operation_id: UUID,
    past: Sequence[Recorded[DashboardEvent]],
    terms: UndoTerms,
) -> Undoing[EditDashboard]:
    """What its deletion or restoration did to insights is in their own streams."""
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    back: dict[str, Any] = {}
    if placed.before is None:
        back[DELETED] = True if judge.creation() else UNSET
    for field in judge.fields:
        if field == "filters":
            back[field] = judge.document(field)
        elif field == _TILES:
            back["arrangements"] = _arrangements(judge, placed)
        else:
            back[field] = judge.plain(field)
    if back.get(DELETED) is True:
        back |= {"live_tiles": terms.live_tiles, "going_insights": terms.going_insights}
    return judge.undoing(EditDashboard(**back))


def touch(event: DashboardEvent) -> Touch:
    match event:
        case DashboardCreated() | DashboardDeleted() | DashboardRestored():
            return Touch(DELETED)
        case DashboardRenamed():
            return Touch("name")
        case DashboardDescribed():
            return Touch("description")
        case DashboardFiltersChanged():
            return Touch("filters")
        case DashboardRestricted():
            return Touch("restriction_level")
        case DashboardTagged():
            return Touch("tags")
        case DashboardPinned() | DashboardUnpinned():
            return Touch("pinned")
        case TileArranged():
            return Touch(_TILES)
        case TileAdded():
            # The place stays, whoever stands there: the insight's own stream tells that.
            return Touch(None)
        case _:
            assert_never(event)


def _arrangements(
    judge: Judge[DashboardRow, DashboardEvent], placed: Placed[DashboardRow, DashboardEvent]
) -> tuple[Arrangement, ...]:
    moved = dict.fromkeys(
        fact.event.tile_id for fact in placed.facts if isinstance(fact.event, TileArranged)
    )
    return tuple(
        Arrangement(
            tile_id=number,
            color=judge.plain(_TILES, partial(_look, number, "color"), f"/{number}/color"),
            layouts=judge.plain(_TILES, partial(_look, number, "layouts"), f"/{number}/layouts"),
        )
        for number in moved
    )


def _look(tile_id: int, part: str, dashboard: DashboardRow) -> Any:
    nothing = DashboardTile(tile_id, 0)
    tile = next((tile for tile in dashboard.tiles if tile.id == tile_id), nothing)
    return attrgetter(part)(tile)
