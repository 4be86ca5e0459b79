"""The cohort tables: one row per cohort, deleted ones too, and the people of static ones."""

from collections.abc import Sequence

from contracts.events.cohort import CohortEvent, CohortPeopleAdded
from contracts.events.recorded import Recorded
from contracts.events.streams import StreamKind
from contracts.queries.cohorts import definition, named_cohorts
from contracts.read_models.cohort import CohortRow
from domain.cohort.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import ErasedFrom, Numbered, OwnStream, ProjectionTable
from services.projector.read_models.definition_changes import keep_changes
from services.projector.read_models.named import named_columns
from services.projector.read_models.row_per_stream import RowPerStream

_ADD = """
    INSERT INTO cohort_members (team_id, cohort_id, person_id)
    SELECT %(team_id)s, %(cohort_id)s, * FROM unnest(%(people)s::uuid[])
    ON CONFLICT DO NOTHING"""


async def _add_people(
    conn: Connection, touched: Sequence[tuple[CohortRow, Sequence[Recorded[CohortEvent]]]]
) -> None:
    """Adds the people who came by the facts of this batch; earlier ones are in the table."""
    added = [
        {
            "team_id": row.team_id,
            "cohort_id": row.cohort_id,
            "people": list(fact.event.person_ids),
        }
        for row, facts in touched
        for fact in facts
        if isinstance(fact.event, CohortPeopleAdded)
    ]
    async with conn.cursor() as cursor:
        await cursor.executemany(_ADD, added)


async def _forget_people(conn: Connection, erased: Sequence[ErasedFrom], up_to: int) -> None:
    """Whoever is left comes back with the facts."""
    await conn.execute(
        "DELETE FROM cohort_members USING unnest(%s::bigint[], %s::bigint[]) AS of (team_id, id)"
        " WHERE cohort_members.team_id = of.team_id AND cohort_id = of.id",
        ([each.team_id for each in erased], [each.number for each in erased]),
    )


async def _also(
    conn: Connection, touched: Sequence[tuple[CohortRow, Sequence[Recorded[CohortEvent]]]]
) -> None:
    await _add_people(conn, touched)
    await keep_changes(conn, touched)


def _columns(row: CohortRow) -> dict[str, object]:
    columns = named_columns(row, lambda: named_cohorts(definition(row.filters)))
    return columns | {"cohort_id": row.cohort_id}


COHORTS = RowPerStream(
    "cohort",
    (
        ProjectionTable("cohorts", ("team_id", "cohort_id"), OwnStream()),
        ProjectionTable(
            "cohort_members",
            ("team_id", "cohort_id", "person_id"),
            Numbered(StreamKind.COHORT, "cohort_id"),
        ),
    ),
    CohortRow,
    project,
    _columns,
    also=_also,
    forget=_forget_people,
)
