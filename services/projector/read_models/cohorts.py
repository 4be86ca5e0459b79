"""The cohort tables: one row per cohort, deleted ones too, and the people of static ones."""

from collections.abc import Sequence

from contracts.events.cohort import CohortEvent, CohortPeopleAdded
from contracts.events.recorded import Recorded
from contracts.queries.cohorts import definition, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.cohort import CohortRow
from domain.cohort.view import project
from services.projector.checkpoint import Connection
from services.projector.projection import ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream

_ADD = """
    INSERT INTO cohort_members (team_id, cohort_id, person_id)
    SELECT %(team_id)s, %(cohort_id)s, * FROM unnest(%(people)s::uuid[])
    ON CONFLICT DO NOTHING"""


async def _add_people(
    conn: Connection, touched: Sequence[tuple[CohortRow, Sequence[Recorded[CohortEvent]]]]
) -> None:
    """Those that came by the facts of this batch; earlier ones stand in the table."""
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


def _columns(row: CohortRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "cohort_id": row.cohort_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "deleted": row.deleted,
        "cohorts": _cohorts(row),
    }


def _cohorts(row: CohortRow) -> list[int]:
    try:
        return list(named_cohorts(definition(row.filters)))
    except InvalidQuery:
        # Stored under rules that are gone: whoever queries it is told.
        return []


COHORTS = RowPerStream(
    "cohort",
    (
        ProjectionTable("cohorts", ("team_id", "cohort_id")),
        ProjectionTable("cohort_members", ("team_id", "cohort_id", "person_id")),
    ),
    CohortRow,
    project,
    _columns,
    also=_add_people,
)
