"""The insights table: one row per insight, the same fold that answers PATCH."""

from collections.abc import Sequence

from contracts.api.insights import live_tiles
from contracts.events.insight import InsightEvent
from contracts.events.recorded import Recorded
from contracts.json import is_null
from contracts.queries.of_insights import insight_key
from contracts.read_models import projections
from contracts.read_models.insight import InsightRow
from domain.insight.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import INSIGHT, NewestFact, OwnStream, ProjectionTable
from services.projector.read_models.listed_kind import listed_kind
from services.projector.read_models.row_per_stream import RowPerStream, StreamProjection

# Sets texts apart where they are searched together, so that no match spans two of them.
_APART = "\x1f"

_MOVE = """
    INSERT INTO insight_positions (team_id, position)
    SELECT * FROM unnest(%(teams)s::bigint[], %(positions)s::bigint[])
    ON CONFLICT (team_id) DO UPDATE
    SET position = greatest(insight_positions.position, excluded.position)"""


async def _move_positions(
    conn: Connection, touched: Sequence[tuple[InsightRow, Sequence[Recorded[InsightEvent]]]]
) -> None:
    """For each project, the position of the last fact applied to any of its insights."""
    positions: dict[int, int] = {}
    for row, facts in touched:
        positions[row.team_id] = max(positions.get(row.team_id, 0), facts[-1].position)
    await conn.execute(_MOVE, {"teams": list(positions), "positions": list(positions.values())})


def searchable(*texts: str | None) -> str:
    """The texts, case-folded and set apart."""
    return _APART.join(text.replace(_APART, " ").casefold() for text in texts if text)


def insight_columns(row: InsightRow) -> dict[str, object]:
    """The columns that insights are found and ordered by, now and in their past."""
    return {
        "team_id": row.team_id,
        "insight_id": row.insight_id,
        "short_id": row.short_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "names_text": searchable(row.name, row.derived_name),
        "words_text": searchable(row.description, *row.tags),
        "kind": listed_kind(row),
        "has_query": not is_null(row.query),
        "sort_order": row.order,
        "deleted": row.deleted,
        "favorited": row.favorited,
        "saved": row.saved,
        "tags": list(row.tags),
        "dashboards": [tile.dashboard_id for tile in live_tiles(row)],
        "created_at": row.created_at,
        "created_by": row.created_by,
        "updated_at": row.updated_at,
        "last_modified_at": row.last_modified_at,
        "version": row.version,
        "query_key": insight_key(row),
    }


def insight_projection() -> StreamProjection:
    """One row per insight, deleted ones too."""
    tables = (
        ProjectionTable("insights", ("team_id", "insight_id"), OwnStream()),
        ProjectionTable("insight_positions", ("team_id",), NewestFact(INSIGHT)),
    )
    model = RowPerStream(
        INSIGHT, tables, InsightRow, project, insight_columns, also=_move_positions
    )
    return StreamProjection(projections.INSIGHTS, [model])
