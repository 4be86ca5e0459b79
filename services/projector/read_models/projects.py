"""The settings of projects that have a history; the others have those they were made with."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from contracts.events.project import ProjectEvent
from contracts.events.recorded import Recorded
from contracts.read_models.project import ProjectRow
from domain.project.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import Table

_decoder = msgspec.json.Decoder(ProjectRow)
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM project_settings WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO project_settings (team_id, stream_id, row)
    VALUES (%(team_id)s, %(stream_id)s, %(row)s)
    ON CONFLICT (team_id) DO UPDATE SET stream_id = excluded.stream_id, row = excluded.row"""


class ProjectRows:
    topic = "project"
    tables: tuple[Table, ...] = (Table("project_settings", ("team_id",)),)

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, ProjectRow]:
        cursor = await conn.execute(_LOAD, (list(streams),))
        return {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}

    def project(self, row: ProjectRow | None, fact: Recorded[ProjectEvent]) -> ProjectRow:
        return project(row, fact)

    async def save(self, conn: Connection, rows: Mapping[UUID, ProjectRow]) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE,
                [
                    {
                        "team_id": row.team_id,
                        "stream_id": stream_id,
                        "row": _encoder.encode(row).decode(),
                    }
                    for stream_id, row in rows.items()
                ],
            )
