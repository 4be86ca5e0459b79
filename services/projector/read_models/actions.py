"""The actions table: one row per action, deleted ones too."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from contracts.events.action import ActionEvent
from contracts.events.recorded import Recorded
from contracts.queries.actions import ActionStep, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.action import ActionRow
from domain.action.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import Table

_decoder = msgspec.json.Decoder(ActionRow)
_steps = msgspec.json.Decoder(tuple[ActionStep, ...])
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM actions WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO actions (team_id, action_id, stream_id, name_key, deleted, cohorts, row)
    VALUES (
        %(team_id)s, %(action_id)s, %(stream_id)s, %(name_key)s, %(deleted)s, %(cohorts)s, %(row)s
    )
    ON CONFLICT (team_id, action_id) DO UPDATE SET
        stream_id = excluded.stream_id, name_key = excluded.name_key, deleted = excluded.deleted,
        cohorts = excluded.cohorts, row = excluded.row"""


class ActionRows:
    topic = "action"
    tables: tuple[Table, ...] = (Table("actions", ("team_id", "action_id")),)

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, ActionRow]:
        cursor = await conn.execute(_LOAD, (list(streams),))
        return {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}

    def project(self, row: ActionRow | None, fact: Recorded[ActionEvent]) -> ActionRow:
        return project(row, fact)

    async def save(self, conn: Connection, rows: Mapping[UUID, ActionRow]) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE,
                [
                    {
                        "team_id": row.team_id,
                        "action_id": row.action_id,
                        "stream_id": stream_id,
                        "name_key": None if row.name is None else row.name.casefold(),
                        "deleted": row.deleted,
                        "cohorts": _cohorts(row),
                        "row": _encoder.encode(row).decode(),
                    }
                    for stream_id, row in rows.items()
                ],
            )


def _cohorts(row: ActionRow) -> list[int]:
    try:
        return list(named_cohorts(_steps.decode(row.steps)))
    except InvalidQuery:
        # Stored under rules that are gone: whoever queries it is told.
        return []
