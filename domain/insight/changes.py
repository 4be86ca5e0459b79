"""The changes that each fact of an insight makes, and the activity that the log of activity calls
it.
"""

from collections.abc import Sequence
from typing import assert_never

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
from contracts.read_models.activity import Change
from contracts.read_models.insight import TileRow
from domain.changes import change

Tiles = Sequence[TileRow]


def changes(event: InsightEvent, before: Tiles, after: Tiles) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for a creation.

    before, after: the insight's tiles around the fact: the change of `dashboards` shows the whole
    list on both sides. PostHog: changes_between.
    """
    match event:
        case InsightCreated():
            return []
        case InsightRenamed(name=name, previous=previous):
            return [_change("name", previous, name)]
        case InsightDerivedNameChanged(derived_name=derived_name, previous=previous):
            return [_change("derived_name", previous, derived_name)]
        case InsightDescribed(description=description, previous=previous):
            return [_change("description", previous, description)]
        case InsightFiltersChanged(filters=filters, previous=previous_filters):
            return [_change("filters", previous_filters, filters)]
        case InsightQueryChanged(query=query, previous=previous_query):
            return [_change("query", previous_query, query)]
        case InsightTagged(tags=tags, previous=previous_tags):
            return [_change("tags", previous_tags, tags)]
        case InsightFavorited():
            return [_change("favorited", False, True)]
        case InsightUnfavorited():
            return [_change("favorited", True, False)]
        case InsightSaved():
            return [_change("saved", False, True)]
        case InsightUnsaved():
            return [_change("saved", True, False)]
        case InsightReordered(order=order, previous=previous_order):
            return [_change("order", previous_order, order)]
        case InsightAddedToDashboard() | InsightRemovedFromDashboard():
            return [_change("dashboards", dashboards(before), dashboards(after))]
        case InsightDeleted():
            return [_change("deleted", False, True)]
        case InsightRestored():
            return [_change("deleted", True, False)]
        case _:
            assert_never(event)


def dashboards(tiles: Tiles) -> list[dict[str, int | str | None]]:
    """The dashboards that the insight is on, as activity shows them; a deletion hides none."""
    return [
        {"id": tile.dashboard_id, "name": tile.dashboard_name} for tile in tiles if not tile.deleted
    ]


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Insight")


def activity_name(event: InsightEvent) -> str:
    """created, updated, deleted or restored."""
    match event:
        case InsightCreated():
            return "created"
        case InsightDeleted():
            return "deleted"
        case InsightRestored():
            return "restored"
        case _:
            return "updated"


def is_quiet(event: InsightEvent) -> bool:
    """PostHog's activity log leaves these out; ours shows them under `?all=true`."""
    return isinstance(event, InsightSaved | InsightUnsaved | InsightReordered)
