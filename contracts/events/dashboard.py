"""Facts of one dashboard's stream. Each change records both sides, so that nobody has to guess.

The insights' own streams say which of them are on it; a tile's coming into being is told here too,
so that a dashboard can't be deleted while an insight is being put on it. `filters` and `layouts`
are documents kept as sent (see `contracts.json`).
"""

from typing import Literal

from msgspec import Raw

from contracts.events.fact import Fact
from contracts.json import EMPTY_OBJECT

RestrictionLevel = Literal[21, 37]
"""The editors: 21 everyone in the project, 37 its creator and organization administrators."""


class DashboardCreated(Fact, frozen=True, tag="dashboard.created.v1"):
    dashboard_id: int
    name: str | None = None
    description: str = ""
    filters: Raw = EMPTY_OBJECT
    restriction_level: RestrictionLevel = 21
    pinned: bool = False


class DashboardRenamed(Fact, frozen=True, tag="dashboard.renamed.v1"):
    name: str | None
    previous: str | None


class DashboardDescribed(Fact, frozen=True, tag="dashboard.described.v1"):
    description: str
    previous: str


class DashboardFiltersChanged(Fact, frozen=True, tag="dashboard.filters_changed.v1"):
    """filters: what overrides the queries of its insights when they are read from here."""

    filters: Raw
    previous: Raw


class DashboardRestricted(Fact, frozen=True, tag="dashboard.restricted.v1"):
    restriction_level: RestrictionLevel
    previous: RestrictionLevel


class DashboardTagged(Fact, frozen=True, tag="dashboard.tagged.v1"):
    """tags: all of them, trimmed, lower-cased, distinct, sorted."""

    tags: tuple[str, ...]
    previous: tuple[str, ...]


class DashboardPinned(Fact, frozen=True, tag="dashboard.pinned.v1"):
    pass


class DashboardUnpinned(Fact, frozen=True, tag="dashboard.unpinned.v1"):
    pass


class TileAdded(Fact, frozen=True, tag="dashboard.tile_added.v1"):
    """An insight is on the dashboard for the first time. The tile is its place there for good."""

    tile_id: int
    insight_id: int


class TileArranged(Fact, frozen=True, tag="dashboard.tile_arranged.v1"):
    """layouts: its box, by size of screen."""

    tile_id: int
    color: str | None
    layouts: Raw
    previous_color: str | None
    previous_layouts: Raw


class DashboardDeleted(Fact, frozen=True, tag="dashboard.deleted.v1"):
    """Soft. The insights that went with it, so that restoring brings the same back.

    tiles: those that were live. insights: those that were deleted with it.
    """

    tiles: tuple[int, ...] = ()
    insights: tuple[int, ...] = ()


class DashboardRestored(Fact, frozen=True, tag="dashboard.restored.v1"):
    """Undoes the whole deletion."""


DashboardEvent = (
    DashboardCreated
    | DashboardRenamed
    | DashboardDescribed
    | DashboardFiltersChanged
    | DashboardRestricted
    | DashboardTagged
    | DashboardPinned
    | DashboardUnpinned
    | TileAdded
    | TileArranged
    | DashboardDeleted
    | DashboardRestored
)
