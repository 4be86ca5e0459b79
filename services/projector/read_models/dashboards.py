"""The dashboards table: one row per dashboard, deleted ones too."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from contracts.events.dashboard import DashboardEvent
from contracts.events.recorded import Recorded
from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import Table

_decoder = msgspec.json.Decoder(DashboardRow)
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM dashboards WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO dashboards (
        team_id, dashboard_id, stream_id, name_key, pinned, deleted, restriction_level, created_by,
        version, row
    )
    VALUES (
        %(team_id)s, %(dashboard_id)s, %(stream_id)s, %(name_key)s, %(pinned)s, %(deleted)s,
        %(restriction_level)s, %(created_by)s, %(version)s, %(row)s
    )
    ON CONFLICT (team_id, dashboard_id) DO UPDATE SET
        stream_id = excluded.stream_id, name_key = excluded.name_key, pinned = excluded.pinned,
        deleted = excluded.deleted, restriction_level = excluded.restriction_level,
        created_by = excluded.created_by, version = excluded.version, row = excluded.row"""


class DashboardRows:
    topic = "dashboard"
    tables: tuple[Table, ...] = (Table("dashboards", ("team_id", "dashboard_id")),)

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, DashboardRow]:
        cursor = await conn.execute(_LOAD, (list(streams),))
        return {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}

    def project(self, row: DashboardRow | None, fact: Recorded[DashboardEvent]) -> DashboardRow:
        return project(row, fact)

    async def save(self, conn: Connection, rows: Mapping[UUID, DashboardRow]) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE, [_columns(stream_id, row) for stream_id, row in rows.items()]
            )


def _columns(stream_id: UUID, row: DashboardRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "dashboard_id": row.dashboard_id,
        "stream_id": stream_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "pinned": row.pinned,
        "deleted": row.deleted,
        "restriction_level": row.restriction_level,
        "created_by": row.created_by,
        "version": row.version,
        "row": _encoder.encode(row).decode(),
    }
