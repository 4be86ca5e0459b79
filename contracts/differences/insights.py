"""The difference between two rows of an insight."""

from msgspec import Raw

from contracts.differences.difference import (
    CREATED,
    NO_NAMES,
    Difference,
    FieldChange,
    Names,
)
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
from contracts.differences.queries import filters_changes, meant, query_changes
from contracts.differences.words import named, quoted
from contracts.json import is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.of_insights import insight_key
from contracts.queries.overrides import NO_OVERRIDES, Overrides
from contracts.read_models.insight import InsightRow

SAME_AS_QUERY = "Written as a query now; it means the same."
SAME_AS_FILTERS = "Written as legacy filters now; it means the same."


def insight_difference(
    before: InsightRow | None,
    after: InsightRow,
    names: Names = NO_NAMES,
    *,
    overrides_before: Overrides = NO_OVERRIDES,
    overrides_after: Overrides = NO_OVERRIDES,
) -> Difference:
    """before: None for the version that created it.

    names: of dashboards, actions and cohorts; a dashboard without one is called as it was when the
    insight came on it. overrides_…: of the dashboard that each side is looked at on.
    """
    if before is None:
        return CREATED
    can_change = overrides_before != overrides_after or not _same_result(before, after)
    return Difference(
        changes=all_changed(
            renamed(before.name, after.name),
            _derived_name(before, after),
            described(before.description, after.description),
            tagged(before.tags, after.tags),
            marked(
                "favorited",
                before.favorited,
                after.favorited,
                "Marked as favourite.",
                "No longer marked as favourite.",
            ),
            marked("saved", before.saved, after.saved, "Saved.", "No longer saved."),
            _order(before, after),
            _dashboards(before, after, names),
            *_question(before, after, names),
            deleted(before.deleted, after.deleted, sum(not tile.deleted for tile in after.tiles)),
        ),
        results_can_change=can_change,
    )


def _same_result(before: InsightRow, after: InsightRow) -> bool:
    """Whether both have the same key of their result. Where nothing is computed there is none; then
    the documents tell.
    """
    old, new = insight_key(before), insight_key(after)
    if old is not None or new is not None:
        return old == new
    return same(before.query, after.query) and same(before.filters, after.filters)


def _derived_name(before: InsightRow, after: InsightRow) -> FieldChange | None:
    old, new = before.derived_name, after.derived_name
    if old == new:
        return None
    if new is None:
        said = f"Derived name removed (was {quoted(old or '')})."
    elif old is None:
        said = f"Derived name is {quoted(new)}."
    else:
        said = f"Derived name is {quoted(new)} instead of {quoted(old)}."
    return changed("derived_name", old, new, [said])


def _order(before: InsightRow, after: InsightRow) -> FieldChange | None:
    old, new = before.order, after.order
    if old == new:
        return None
    if new is None:
        said = f"Order removed (was {old})."
    else:
        said = f"Order set to {new}." if old is None else f"Order changed from {old} to {new}."
    return changed("order", old, new, [said])


def _dashboards(before: InsightRow, after: InsightRow, names: Names) -> FieldChange | None:
    """Which dashboards the insight is on; the order does not count. A deletion hides none."""
    old, new = _shown_on(before, names), _shown_on(after, names)
    said = [f"Put on {named('dashboard', n, new[n])}." for n in new if n not in old]
    said += [f"Taken off {named('dashboard', n, old[n])}." for n in old if n not in new]
    return changed(
        "dashboards",
        [{"id": number, "name": name} for number, name in old.items()],
        [{"id": number, "name": name} for number, name in new.items()],
        said,
    )


def _shown_on(row: InsightRow, names: Names) -> dict[int, str | None]:
    return {
        tile.dashboard_id: names.dashboards.get(tile.dashboard_id, tile.dashboard_name)
        for tile in row.tiles
        if not tile.deleted
    }


# Query and filters: what is asked is in one of them, and the query wins


def _question(
    before: InsightRow, after: InsightRow, names: Names
) -> tuple[FieldChange | None, FieldChange | None]:
    if is_null(before.query) != is_null(after.query):
        return _rewritten(before, after, names)
    return _filters(before, after, names), _query(before, after, names)


def _filters(before: InsightRow, after: InsightRow, names: Names) -> FieldChange | None:
    # Seldom moved, and known by its text.
    if before.filters == after.filters:
        return None
    old, new = decoded(before.filters), decoded(after.filters)
    if is_null(after.query):
        said = filters_changes(old, new, names)
    else:
        # They mean nothing beside a query.
        said = other_changes("filters", old, new)
    return changed("filters", before.filters, after.filters, said)


def _query(before: InsightRow, after: InsightRow, names: Names) -> FieldChange | None:
    if before.query == after.query:
        return None
    said = query_changes(decoded(before.query), decoded(after.query), names)
    return changed("query", before.query, after.query, said)


def _rewritten(
    before: InsightRow, after: InsightRow, names: Names
) -> tuple[FieldChange | None, FieldChange | None]:
    """Filters became a query or a query filters, or either came or went.

    Where it means the same, the query is the one change, whatever is left of the filters.
    """
    key = insight_key(before)
    if key is not None and key == insight_key(after):
        said = SAME_AS_FILTERS if is_null(after.query) else SAME_AS_QUERY
        return None, changed("query", before.query, after.query, [said])
    old, new = _node(before), _node(after)
    query = [] if old is None and new is None else query_changes(old, new, names)
    if not query or (old is not None and new is not None):
        query = [
            f"Written as {'legacy filters' if is_null(after.query) else 'a query'} now.",
            *query,
        ]
    filters = _filters_gone(before.filters, after.filters)
    return (
        changed("filters", before.filters, after.filters, filters),
        changed("query", before.query, after.query, query),
    )


def _node(row: InsightRow) -> object:
    """The decoded node that is asked; None for none, and for filters that can't be read."""
    if not is_null(row.query):
        return decoded(row.query)
    try:
        return meant(decoded(row.filters))
    except InvalidQuery:
        return None


def _filters_gone(before: Raw, after: Raw) -> list[str]:
    if same(before, after):
        return []
    if not decoded(after):
        return ["Legacy filters removed."]
    return ["Legacy filters added." if not decoded(before) else "Legacy filters changed."]
