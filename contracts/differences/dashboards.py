"""The difference between two rows of a dashboard."""

from collections.abc import Mapping
from typing import Any

from contracts.differences.breakdowns import breakdown_rule
from contracts.differences.conditions import filters_rule
from contracts.differences.difference import CREATED, NO_NAMES, Difference, FieldChange, Names
from contracts.differences.documents import decoded, other_changes, same
from contracts.differences.fields import (
    all_changed,
    changed,
    deleted,
    described,
    marked,
    renamed,
    tagged,
)
from contracts.differences.ranges import BOUNDS
from contracts.differences.rules import At, compared
from contracts.differences.words import capital, named, plain
from contracts.queries.overrides import of_dashboard
from contracts.read_models.dashboard import DashboardRow, DashboardTile

Json = Any
_EDITORS = {
    21: "Everybody in the project may edit it.",
    37: "Only its creator and administrators may edit it.",
}


def dashboard_difference(
    before: DashboardRow | None, after: DashboardRow, names: Names = NO_NAMES
) -> Difference:
    """names: of the insights on it, and of cohorts. before: None for the version that created it.

    results_can_change: whether it lays other filters over its insights.
    """
    if before is None:
        return CREATED
    level = [] if before.restriction_level == after.restriction_level else [after.restriction_level]
    return Difference(
        changes=all_changed(
            renamed(before.name, after.name),
            described(before.description, after.description),
            tagged(before.tags, after.tags),
            marked("pinned", before.pinned, after.pinned, "Pinned.", "No longer pinned."),
            changed(
                "restriction_level",
                before.restriction_level,
                after.restriction_level,
                [_EDITORS[each] for each in level],
            ),
            changed("filters", before.filters, after.filters, _filters(before, after, names)),
            _tiles(before, after, names),
            deleted(before.deleted, after.deleted, len(before.gone_tiles)),
        ),
        results_can_change=of_dashboard(before.filters) != of_dashboard(after.filters),
    )


_RULES = (BOUNDS, filters_rule(), breakdown_rule("breakdown_filter"))


def _filters(before: DashboardRow, after: DashboardRow, names: Names) -> list[str]:
    old, new = decoded(before.filters), decoded(after.filters)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return other_changes("filters", old, new)
    return compared(old, new, _RULES, At(path="filters", names=names))


def _tiles(before: DashboardRow, after: DashboardRow, names: Names) -> FieldChange | None:
    """The tiles it ever had, with their looks. Whether an insight is on it, its own row says."""
    old, new = ({tile.id: tile for tile in row.tiles} for row in (before, after))
    said = [f"Tile added: {_insight(new[n], names)}." for n in new if n not in old]
    said += [f"Tile removed: {_insight(old[n], names)}." for n in old if n not in new]
    for number in new:
        if number in old:
            said += _looks(old[number], new[number], names)
    return changed("tiles", before.tiles, after.tiles, said)


def _looks(before: DashboardTile, after: DashboardTile, names: Names) -> list[str]:
    said = []
    if before.color != after.color:
        colors = [plain(each or "no colour") for each in (after.color, before.color)]
        insight = capital(_insight(after, names))
        said.append(f"{insight} has {colors[0]} as its colour instead of {colors[1]}.")
    if not same(before.layouts, after.layouts):
        said.append(f"{capital(_insight(after, names))} is laid out differently.")
    return said


def _insight(tile: DashboardTile, names: Names) -> str:
    return named("insight", tile.insight_id, names.insights.get(tile.insight_id))
