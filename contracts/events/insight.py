"""Facts of one insight's stream. Each change records both sides, so that nobody has to guess.

`filters` and `query` are documents kept as sent (see `contracts.json`).
"""

from msgspec import Raw

from contracts.events.fact import Fact
from contracts.json import EMPTY_OBJECT, NULL


class InsightCreated(Fact, frozen=True, tag="insight.created.v1"):
    """insight_id: the number in the URL; short_id: eight of A-Z a-z 0-9, unique per project."""

    insight_id: int
    short_id: str
    name: str | None = None
    derived_name: str | None = None
    description: str | None = None
    filters: Raw = EMPTY_OBJECT
    query: Raw = NULL
    order: int | None = None
    favorited: bool = False
    saved: bool = True
    is_sample: bool = False


class InsightRenamed(Fact, frozen=True, tag="insight.renamed.v1"):
    name: str | None
    previous: str | None


class InsightDerivedNameChanged(Fact, frozen=True, tag="insight.derived_name_changed.v1"):
    """derived_name: what a user interface calls an unnamed insight."""

    derived_name: str | None
    previous: str | None


class InsightDescribed(Fact, frozen=True, tag="insight.described.v1"):
    description: str | None
    previous: str | None


class InsightQueryChanged(Fact, frozen=True, tag="insight.query_changed.v1"):
    query: Raw
    previous: Raw


class InsightFiltersChanged(Fact, frozen=True, tag="insight.filters_changed.v1"):
    filters: Raw
    previous: Raw


class InsightTagged(Fact, frozen=True, tag="insight.tagged.v1"):
    """tags: all of them, trimmed, lower-cased, distinct, sorted."""

    tags: tuple[str, ...]
    previous: tuple[str, ...]


class InsightFavorited(Fact, frozen=True, tag="insight.favorited.v1"):
    pass


class InsightUnfavorited(Fact, frozen=True, tag="insight.unfavorited.v1"):
    pass


class InsightSaved(Fact, frozen=True, tag="insight.saved.v1"):
    pass


class InsightUnsaved(Fact, frozen=True, tag="insight.unsaved.v1"):
    pass


class InsightReordered(Fact, frozen=True, tag="insight.reordered.v1"):
    order: int | None
    previous: int | None


class InsightAddedToDashboard(Fact, frozen=True, tag="insight.added_to_dashboard.v1"):
    """A tile. tile_id stays the same when the insight leaves the dashboard and comes back.

    dashboard_name: as it was then, for the activity log.
    """

    tile_id: int
    dashboard_id: int
    dashboard_name: str | None


class InsightRemovedFromDashboard(Fact, frozen=True, tag="insight.removed_from_dashboard.v1"):
    tile_id: int
    dashboard_id: int
    dashboard_name: str | None


class InsightDeleted(Fact, frozen=True, tag="insight.deleted.v1"):
    """Soft: the insight and its live tiles go out of sight together."""


class InsightRestored(Fact, frozen=True, tag="insight.restored.v1"):
    """Undoes the whole deletion: the tiles that went with it are live again."""


InsightEvent = (
    InsightCreated
    | InsightRenamed
    | InsightDerivedNameChanged
    | InsightDescribed
    | InsightQueryChanged
    | InsightFiltersChanged
    | InsightTagged
    | InsightFavorited
    | InsightUnfavorited
    | InsightSaved
    | InsightUnsaved
    | InsightReordered
    | InsightAddedToDashboard
    | InsightRemovedFromDashboard
    | InsightDeleted
    | InsightRestored
)
