"""Takes an operation on an insight back."""

from collections.abc import Sequence
from functools import partial
from typing import Any, assert_never
from uuid import UUID

from msgspec import UNSET, Raw

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
from contracts.events.streams import Stream
from contracts.json import is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.stored import check_query
from contracts.read_models.insight import InsightRow
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import Placed, place
from domain.history.undoing import Undoing, UndoTerms
from domain.insight.commands import EditInsight, NewTile
from domain.insight.view import project

_DASHBOARDS = "dashboards"


def undo(
    stream: Stream[InsightEvent],
    operation_id: UUID,
    past: Sequence[Recorded[InsightEvent]],
    terms: UndoTerms,
) -> Undoing[EditInsight]:
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    if placed.before is None:
        return judge.undoing(EditInsight(deleted=True if judge.creation() else UNSET))
    back: dict[str, Any] = {}
    for field in judge.fields:
        if field == "query":
            back[field] = judge.document(field, invalid_query)
        elif field == "filters":
            back[field] = judge.document(field)
        elif field == _DASHBOARDS:
            back[field] = _dashboards(judge, placed, terms)
        else:
            back[field] = judge.plain(field)
    return judge.undoing(EditInsight(**back))


def touch(event: InsightEvent) -> Touch:
    match event:
        case InsightCreated() | InsightDeleted() | InsightRestored():
            return Touch(DELETED)
        case InsightRenamed():
            return Touch("name")
        case InsightDerivedNameChanged():
            return Touch("derived_name")
        case InsightDescribed():
            return Touch("description")
        case InsightQueryChanged():
            return Touch("query")
        case InsightFiltersChanged():
            return Touch("filters")
        case InsightTagged():
            return Touch("tags")
        case InsightFavorited() | InsightUnfavorited():
            return Touch("favorited")
        case InsightSaved() | InsightUnsaved():
            return Touch("saved")
        case InsightReordered():
            return Touch("order")
        case InsightAddedToDashboard() | InsightRemovedFromDashboard():
            return Touch(_DASHBOARDS)
        case _:
            assert_never(event)


def invalid_query(query: Raw) -> str | None:
    """Why an insight can't be given this query."""
    if is_null(query):
        return None
    try:
        check_query(query)
    except InvalidQuery as cause:
        return cause.detail
    return None


def _dashboards(
    judge: Judge[InsightRow, InsightEvent],
    placed: Placed[InsightRow, InsightEvent],
    terms: UndoTerms,
) -> Any:
    """All that it shall be on, where the operation put it on one or took it off; else UNSET."""
    on = {tile.dashboard_id for tile in placed.now.tiles if not tile.deleted}
    wanted = set(on)
    for tile in placed.after.tiles:
        number = tile.dashboard_id
        comes_back = not _is_on(number, placed.after)
        is_closed = comes_back and number not in terms.dashboards
        found = judge.plain(
            _DASHBOARDS,
            partial(_is_on, number),
            f"/{number}",
            "dashboard" if is_closed else None,
        )
        if found is not UNSET:
            wanted ^= {number}
    if wanted == on:
        return UNSET
    return tuple(
        NewTile(tile.dashboard_id, terms.dashboards.get(tile.dashboard_id), tile.id)
        for tile in placed.now.tiles
        if tile.dashboard_id in wanted
    )


def _is_on(dashboard_id: int, insight: InsightRow) -> bool:
    tile = insight.tile_on(dashboard_id)
    return tile is not None and not tile.deleted
