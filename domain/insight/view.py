"""The insight as readers see it: the one fold of an insight's facts.

Commands are decided on it, the command service answers with it, and the projector stores it.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

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
from contracts.events.recorded import Recorded
from contracts.read_models.insight import InsightRow, TileRow


def project(row: InsightRow | None, recorded: Recorded[InsightEvent]) -> InsightRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, InsightCreated):
            raise ValueError(f"stream {recorded.stream_id} does not begin with insight.created")
        return _created(event, recorded)
    changed = _changed(row, event)
    if is_material(event):
        changed = replace(changed, last_modified_at=recorded.at, last_modified_by=recorded.user_id)
    # PostHog: any change of a sample insight makes it the user's own.
    return replace(changed, version=recorded.version, updated_at=recorded.at, is_sample=False)


def view(history: Iterable[Recorded[InsightEvent]]) -> InsightRow | None:
    """None: never created."""
    return reduce(project, history, None)


def is_material(event: InsightEvent) -> bool:
    """Whether it moves last_modified_at and last_modified_by. PostHog: InsightSerializer.update."""
    return isinstance(
        event, InsightRenamed | InsightDescribed | InsightQueryChanged | InsightFiltersChanged
    )


def _created(event: InsightCreated, recorded: Recorded[InsightEvent]) -> InsightRow:
    user = recorded.user_id
    return InsightRow(
        team_id=recorded.team_id,
        insight_id=event.insight_id,
        short_id=event.short_id,
        name=event.name,
        derived_name=event.derived_name,
        description=event.description,
        filters=event.filters,
        query=event.query,
        order=event.order,
        deleted=False,
        favorited=event.favorited,
        saved=event.saved,
        is_sample=event.is_sample,
        created_at=recorded.at,
        created_by=user,
        updated_at=recorded.at,
        last_modified_at=recorded.at,
        last_modified_by=user,
        version=recorded.version,
    )


def _changed(row: InsightRow, event: InsightEvent) -> InsightRow:
    match event:
        case InsightCreated():
            raise ValueError(f"insight {event.insight_id} was created twice")
        case InsightRenamed(name=name):
            return replace(row, name=name)
        case InsightDerivedNameChanged(derived_name=derived_name):
            return replace(row, derived_name=derived_name)
        case InsightDescribed(description=description):
            return replace(row, description=description)
        case InsightFiltersChanged(filters=filters):
            return replace(row, filters=filters)
        case InsightQueryChanged(query=query):
            return replace(row, query=query)
        case InsightTagged(tags=tags):
            return replace(row, tags=tags)
        case InsightFavorited():
            return replace(row, favorited=True)
        case InsightUnfavorited():
            return replace(row, favorited=False)
        case InsightSaved():
            return replace(row, saved=True)
        case InsightUnsaved():
            return replace(row, saved=False)
        case InsightReordered(order=order):
            return replace(row, order=order)
        case InsightAddedToDashboard() | InsightRemovedFromDashboard():
            return replace(row, tiles=with_tile(row.tiles, tile_of(event)))
        case InsightDeleted():
            return replace(row, deleted=True)
        case InsightRestored():
            return replace(row, deleted=False)
        case _:
            assert_never(event)


def with_tile(tiles: tuple[TileRow, ...], tile: TileRow) -> tuple[TileRow, ...]:
    """A tile keeps its rank when the insight leaves the dashboard and comes back."""
    if all(known.dashboard_id != tile.dashboard_id for known in tiles):
        return (*tiles, tile)
    return tuple(tile if known.dashboard_id == tile.dashboard_id else known for known in tiles)


def tile_of(event: InsightAddedToDashboard | InsightRemovedFromDashboard) -> TileRow:
    return TileRow(
        id=event.tile_id,
        dashboard_id=event.dashboard_id,
        deleted=isinstance(event, InsightRemovedFromDashboard),
        dashboard_name=event.dashboard_name,
    )
