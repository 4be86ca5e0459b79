"""The sharing table: one row per insight that was ever shared."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models import projections
from contracts.read_models.sharing import SharingRow
from domain.sharing.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import SHARING, Table, of_sharing

_decoder = msgspec.json.Decoder(SharingRow)
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM sharing WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO sharing (team_id, insight_id, stream_id, version, row)
    VALUES (%(team_id)s, %(insight_id)s, %(stream_id)s, %(version)s, %(row)s)
    ON CONFLICT (team_id, insight_id) DO UPDATE SET
        stream_id = excluded.stream_id, version = excluded.version, row = excluded.row"""


class SharingProjection:
    """Tokens and passwords stand here by their ids alone."""

    name = projections.SHARING
    topics = frozenset({SHARING})
    tables = (Table("sharing", ("team_id", "insight_id")),)

    async def load(
        self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]
    ) -> dict[UUID, SharingRow]:
        """By stream. Every stream that is loaded is about to be touched, so all are saved."""
        cursor = await conn.execute(_LOAD, (list({fact.stream_id for fact in facts}),))
        return {stream_id: _decoder.decode(row) for stream_id, row in await cursor.fetchall()}

    def apply(self, state: dict[UUID, SharingRow], fact: Recorded[DomainEvent]) -> None:
        if of_sharing(fact):
            state[fact.stream_id] = project(state.get(fact.stream_id), fact)

    async def save(self, conn: Connection, state: dict[UUID, SharingRow]) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(
                _SAVE,
                [
                    {
                        "team_id": row.team_id,
                        "insight_id": row.insight_id,
                        "stream_id": stream_id,
                        "version": row.version,
                        "row": _encoder.encode(row).decode(),
                    }
                    for stream_id, row in state.items()
                ],
            )
