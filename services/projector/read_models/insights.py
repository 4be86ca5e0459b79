"""The insights table: one row per insight, the same fold that answers PATCH."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.api.insights import live_tiles
from contracts.events.recorded import DomainEvent, Recorded
from contracts.json import is_null
from contracts.queries.of_insights import insight_key
from contracts.read_models import projections
from contracts.read_models.insight import InsightRow
from domain.insight.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import INSIGHT, Table, of_insight
from services.projector.read_models.kinds import kind_of

_decoder = msgspec.json.Decoder(InsightRow)
_encoder = msgspec.json.Encoder()

# Sets texts apart where they are searched together, so that no match spans two of them.
_APART = "\x1f"

_LOAD = "SELECT stream_id, row::text FROM insights WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO insights AS known (
        team_id, insight_id, stream_id, short_id, name_key, names_text, words_text, kind, has_query,
        sort_order, deleted, favorited, saved, tags, dashboards, created_at, created_by, updated_at,
        last_modified_at, version, query_key, row
    )
    VALUES (
        %(team_id)s, %(insight_id)s, %(stream_id)s, %(short_id)s, %(name_key)s, %(names_text)s,
        %(words_text)s, %(kind)s, %(has_query)s, %(sort_order)s, %(deleted)s, %(favorited)s,
        %(saved)s, %(tags)s, %(dashboards)s, %(created_at)s, %(created_by)s, %(updated_at)s,
        %(last_modified_at)s, %(version)s, %(query_key)s, %(row)s
    )
    ON CONFLICT (team_id, insight_id) DO UPDATE SET
        stream_id = excluded.stream_id, short_id = excluded.short_id, name_key = excluded.name_key,
        names_text = excluded.names_text, words_text = excluded.words_text, kind = excluded.kind,
        has_query = excluded.has_query, sort_order = excluded.sort_order,
        deleted = excluded.deleted, favorited = excluded.favorited, saved = excluded.saved,
        tags = excluded.tags, dashboards = excluded.dashboards, created_at = excluded.created_at,
        created_by = excluded.created_by, updated_at = excluded.updated_at,
        last_modified_at = excluded.last_modified_at, version = excluded.version,
        query_key = excluded.query_key, row = excluded.row"""

_MOVE = """
    INSERT INTO insight_positions (team_id, position)
    SELECT * FROM unnest(%(teams)s::bigint[], %(positions)s::bigint[])
    ON CONFLICT (team_id) DO UPDATE SET position = excluded.position"""


class Batch(msgspec.Struct):
    """rows: by stream, as they are after the facts applied so far. touched: those to write.

    positions: project -> the last fact applied to any of its insights.
    """

    rows: dict[UUID, InsightRow]
    touched: set[UUID]
    positions: dict[int, int]


class InsightProjection:
    """One row per insight, deleted ones too."""

    name = projections.INSIGHTS
    topics = frozenset({INSIGHT})
    tables = (
        Table("insights", ("team_id", "insight_id")),
        Table("insight_positions", ("team_id",)),
    )

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> Batch:
        cursor = await conn.execute(_LOAD, (list({fact.stream_id for fact in facts}),))
        rows = {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}
        return Batch(rows=rows, touched=set(), positions={})

    def apply(self, state: Batch, fact: Recorded[DomainEvent]) -> None:
        if not of_insight(fact):
            return
        state.rows[fact.stream_id] = project(state.rows.get(fact.stream_id), fact)
        state.touched.add(fact.stream_id)
        state.positions[fact.team_id] = fact.position

    async def save(self, conn: Connection, state: Batch) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE, [_columns(stream, state.rows[stream]) for stream in state.touched]
            )
        await conn.execute(
            _MOVE,
            {"teams": list(state.positions), "positions": list(state.positions.values())},
        )


def searchable(*texts: str | None) -> str:
    """The texts, case-folded and set apart."""
    return _APART.join(text.replace(_APART, " ").casefold() for text in texts if text)


def _columns(stream_id: UUID, row: InsightRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "insight_id": row.insight_id,
        "stream_id": stream_id,
        "short_id": row.short_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "names_text": searchable(row.name, row.derived_name),
        "words_text": searchable(row.description, *row.tags),
        "kind": kind_of(row),
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
        "row": _encoder.encode(row).decode(),
    }
