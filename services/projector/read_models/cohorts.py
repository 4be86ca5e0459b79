"""The cohort tables: one row per cohort, deleted ones too, and the people of static ones."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from contracts.events.cohort import CohortEvent, CohortPeopleAdded
from contracts.events.recorded import Recorded
from contracts.queries.cohorts import definition, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.cohort import CohortRow
from domain.cohort.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import Table

_decoder = msgspec.json.Decoder(CohortRow)
_encoder = msgspec.json.Encoder()

_LOAD = "SELECT stream_id, row::text FROM cohorts WHERE stream_id = ANY(%s)"

_SAVE = """
    INSERT INTO cohorts (team_id, cohort_id, stream_id, name_key, deleted, cohorts, row)
    VALUES (
        %(team_id)s, %(cohort_id)s, %(stream_id)s, %(name_key)s, %(deleted)s, %(cohorts)s, %(row)s
    )
    ON CONFLICT (team_id, cohort_id) DO UPDATE SET
        stream_id = excluded.stream_id, name_key = excluded.name_key, deleted = excluded.deleted,
        cohorts = excluded.cohorts, row = excluded.row"""

_ADD = """
    INSERT INTO cohort_members (team_id, cohort_id, person_id)
    SELECT %(team_id)s, %(cohort_id)s, * FROM unnest(%(people)s::uuid[])
    ON CONFLICT DO NOTHING"""


class Folded(msgspec.Struct, frozen=True):
    """added: the people that came by the facts of this batch; earlier ones stand in their table."""

    row: CohortRow
    added: tuple[UUID, ...] = ()


class CohortRows:
    topic = "cohort"
    tables: tuple[Table, ...] = (
        Table("cohorts", ("team_id", "cohort_id")),
        Table("cohort_members", ("team_id", "cohort_id", "person_id")),
    )

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, Folded]:
        cursor = await conn.execute(_LOAD, (list(streams),))
        return {
            stream_id: Folded(_decoder.decode(row)) for stream_id, row in await cursor.fetchall()
        }

    def project(self, row: Folded | None, fact: Recorded[CohortEvent]) -> Folded:
        added = row.added if row else ()
        if isinstance(fact.event, CohortPeopleAdded):
            added = (*added, *fact.event.person_ids)
        return Folded(project(row.row if row else None, fact), added)

    async def save(self, conn: Connection, rows: Mapping[UUID, Folded]) -> None:
        columns = [_columns(stream_id, folded) for stream_id, folded in rows.items()]
        async with conn.cursor() as cursor:
            await cursor.executemany(_SAVE, columns)
            await cursor.executemany(_ADD, [each for each in columns if each["people"]])


def _columns(stream_id: UUID, folded: Folded) -> dict[str, object]:
    row = folded.row
    return {
        "team_id": row.team_id,
        "cohort_id": row.cohort_id,
        "stream_id": stream_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "deleted": row.deleted,
        "cohorts": _cohorts(row),
        "row": _encoder.encode(row).decode(),
        "people": list(folded.added),
    }


def _cohorts(row: CohortRow) -> list[int]:
    try:
        return list(named_cohorts(definition(row.filters)))
    except InvalidQuery:
        # Stored under rules that are gone: whoever queries it is told.
        return []
