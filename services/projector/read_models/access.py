"""The access tables: the rules of each stream as one row, and one line per rule for joins."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from contracts.events.access import AccessEvent
from contracts.events.recorded import Recorded
from contracts.read_models.access import AccessRow
from domain.access.view import project
from services.common.insights.access import EVERYBODY, RANK
from services.projector.checkpoint import Connection
from services.projector.projection import Table

_decoder = msgspec.json.Decoder(AccessRow)
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM access WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO access (team_id, insight_id, stream_id, position, row)
    VALUES (%(team_id)s, %(insight_id)s, %(stream_id)s, %(position)s, %(row)s)
    ON CONFLICT (team_id, insight_id) DO UPDATE SET
        stream_id = excluded.stream_id, position = excluded.position, row = excluded.row"""

_FORGET = "DELETE FROM access_rules WHERE team_id = %(team_id)s AND insight_id = %(insight_id)s"

_SAVE_RULES = """
    INSERT INTO access_rules (team_id, insight_id, user_id, level)
    SELECT %(team_id)s, %(insight_id)s, *
    FROM unnest(%(users)s::bigint[], %(levels)s::smallint[])"""


class AccessRows:
    topic = "access"
    tables: tuple[Table, ...] = (
        Table("access", ("team_id", "insight_id")),
        Table("access_rules", ("team_id", "insight_id", "user_id")),
    )

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, AccessRow]:
        cursor = await conn.execute(_LOAD, (list(streams),))
        return {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}

    def project(self, row: AccessRow | None, fact: Recorded[AccessEvent]) -> AccessRow:
        return project(row, fact)

    async def save(self, conn: Connection, rows: Mapping[UUID, AccessRow]) -> None:
        columns = [_columns(stream_id, row) for stream_id, row in rows.items()]
        async with conn.cursor() as cursor:
            await cursor.executemany(_SAVE, columns)
            await cursor.executemany(_FORGET, columns)
            await cursor.executemany(_SAVE_RULES, columns)


def _columns(stream_id: UUID, row: AccessRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "insight_id": row.insight_id,
        "stream_id": stream_id,
        "position": row.position,
        "row": _encoder.encode(row).decode(),
        "users": [rule.grantee.user_id if rule.grantee else EVERYBODY for rule in row.rules],
        "levels": [RANK[rule.level] for rule in row.rules],
    }
