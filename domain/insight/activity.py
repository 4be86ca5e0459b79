"""An insight's facts as the activity log tells them."""

from typing import assert_never

import msgspec
from msgspec import Raw

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
from contracts.json import is_null
from contracts.read_models.activity import Change
from domain.insight.state import Insight


def changes(event: InsightEvent, before: Insight, after: Insight) -> list[Change]:
    """What the fact changed, by the names the fields have on the wire; none for a creation.

    before, after: the insight around the fact; only its tiles are asked, since a dashboard's
    entry shows the whole list on both sides. PostHog: changes_between.
    """
    match event:
        case InsightCreated():
            return []
        case InsightRenamed(name=name, previous=previous):
            return [change("name", previous, name)]
        case InsightDerivedNameChanged(derived_name=derived_name, previous=previous):
            return [change("derived_name", previous, derived_name)]
        case InsightDescribed(description=description, previous=previous):
            return [change("description", previous, description)]
        case InsightFiltersChanged(filters=filters, previous=previous_filters):
            return [change("filters", previous_filters, filters)]
        case InsightQueryChanged(query=query, previous=previous_query):
            return [change("query", previous_query, query)]
        case InsightTagged(tags=tags, previous=previous_tags):
            return [change("tags", previous_tags, tags)]
        case InsightFavorited():
            return [change("favorited", False, True)]
        case InsightUnfavorited():
            return [change("favorited", True, False)]
        case InsightSaved():
            return [change("saved", False, True)]
        case InsightUnsaved():
            return [change("saved", True, False)]
        case InsightReordered(order=order, previous=previous_order):
            return [change("order", previous_order, order)]
        case InsightAddedToDashboard() | InsightRemovedFromDashboard():
            return [change("dashboards", dashboards(before), dashboards(after))]
        case InsightDeleted():
            return [change("deleted", False, True)]
        case InsightRestored():
            return [change("deleted", True, False)]
        case _:
            assert_never(event)


def dashboards(insight: Insight) -> list[dict[str, int | str | None]]:
    """The dashboards the insight is on, as activity shows them."""
    return [
        {"id": tile.dashboard_id, "name": tile.dashboard_name}
        for tile in insight.tiles
        if tile.live
    ]


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


def change(field: str, before: object, after: object, type_: str = "Insight") -> Change:
    """One field's change; created when it had no value before, deleted when it has none after."""
    old, new = _document(before), _document(after)
    return Change(
        type=type_,
        action="created" if is_null(old) else "deleted" if is_null(new) else "changed",
        field=field,
        before=old,
        after=new,
    )


def _document(value: object) -> Raw:
    return value if isinstance(value, Raw) else Raw(msgspec.json.encode(value))
