"""What deciding must remember of an insight."""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from contracts.json import EMPTY_OBJECT, NULL


class Tile(msgspec.Struct, frozen=True):
    """dashboard_name: as it was when the insight came on it; shown in the activity log."""

    id: int
    dashboard_id: int
    dashboard_name: str | None
    live: bool


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    """An insight's present; `Insight()` is one that was never created.

    tiles: by dashboard, in the order in which the insight came on each first. A deletion leaves
    them as they are: who is deleted has no live tile in sight, and restoring shows the same again.
    """

    exists: bool = False
    deleted: bool = False
    insight_id: int = 0
    short_id: str = ""
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
    tiles: tuple[Tile, ...] = ()

    def tile_on(self, dashboard_id: int) -> Tile | None:
        return next((tile for tile in self.tiles if tile.dashboard_id == dashboard_id), None)


def evolve(insight: Insight, event: InsightEvent) -> Insight:
    """The insight after one more fact. Gathers, never judges."""
    match event:
        case InsightCreated():
            return Insight(
                exists=True,
                insight_id=event.insight_id,
                short_id=event.short_id,
                name=event.name,
                derived_name=event.derived_name,
                description=event.description,
                filters=event.filters,
                query=event.query,
                order=event.order,
                favorited=event.favorited,
                saved=event.saved,
                is_sample=event.is_sample,
            )
        case InsightRenamed(name=name):
            return replace(insight, name=name)
        case InsightDerivedNameChanged(derived_name=derived_name):
            return replace(insight, derived_name=derived_name)
        case InsightDescribed(description=description):
            return replace(insight, description=description)
        case InsightFiltersChanged(filters=filters):
            return replace(insight, filters=filters)
        case InsightQueryChanged(query=query):
            return replace(insight, query=query)
        case InsightTagged(tags=tags):
            return replace(insight, tags=tags)
        case InsightFavorited():
            return replace(insight, favorited=True)
        case InsightUnfavorited():
            return replace(insight, favorited=False)
        case InsightSaved():
            return replace(insight, saved=True)
        case InsightUnsaved():
            return replace(insight, saved=False)
        case InsightReordered(order=order):
            return replace(insight, order=order)
        case InsightAddedToDashboard():
            tile = Tile(event.tile_id, event.dashboard_id, event.dashboard_name, live=True)
            return replace(insight, tiles=_with(insight.tiles, tile))
        case InsightRemovedFromDashboard():
            tile = Tile(event.tile_id, event.dashboard_id, event.dashboard_name, live=False)
            return replace(insight, tiles=_with(insight.tiles, tile))
        case InsightDeleted():
            return replace(insight, deleted=True)
        case InsightRestored():
            return replace(insight, deleted=False)
        case _:
            assert_never(event)


def _with(tiles: tuple[Tile, ...], tile: Tile) -> tuple[Tile, ...]:
    if any(known.dashboard_id == tile.dashboard_id for known in tiles):
        return tuple(tile if known.dashboard_id == tile.dashboard_id else known for known in tiles)
    return (*tiles, tile)


def fold(events: Iterable[InsightEvent]) -> Insight:
    return reduce(evolve, events, Insight())
