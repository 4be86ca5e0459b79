"""The changes that each fact of a dashboard makes."""

from typing import assert_never

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
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: DashboardEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one."""
    match event:
        case DashboardRenamed():
            return [_change("name", event.previous, event.name)]
        case DashboardDescribed():
            return [_change("description", event.previous, event.description)]
        case DashboardFiltersChanged():
            return [_change("filters", event.previous, event.filters)]
        case DashboardRestricted():
            return [_change("restriction_level", event.previous, event.restriction_level)]
        case DashboardTagged():
            return [_change("tags", event.previous, event.tags)]
        case DashboardPinned() | DashboardUnpinned():
            pinned = isinstance(event, DashboardPinned)
            return [_change("pinned", not pinned, pinned)]
        case DashboardDeleted() | DashboardRestored():
            deleted = isinstance(event, DashboardDeleted)
            return [_change("deleted", not deleted, deleted)]
        case DashboardCreated():
            return []
        case TileAdded():
            return [_change("tiles", None, event.tile_id)]
        case TileArranged():
            return [
                _change("tiles__color", event.previous_color, event.color),
                _change("tiles__layouts", event.previous_layouts, event.layouts),
            ]
        case _:
            assert_never(event)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Dashboard")
