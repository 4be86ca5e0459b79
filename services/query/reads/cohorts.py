"""Cohorts, one and a page of them, each in one round trip."""

from typing import LiteralString

from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from contracts.read_models.cohort import CohortRow
from services.common.postgres.database import Pool
from services.query.reads import past
from services.query.reads.catalog_rows import NAMED, CatalogReads
from services.query.reads.salvage import DAWN, Salvage

_LIST: LiteralString = f"""
    SELECT c.row::text FROM cohorts c WHERE c.team_id = %(team_id)s AND NOT c.deleted AND {NAMED}
        AND c.cohort_id < %(before)s
    ORDER BY c.cohort_id DESC LIMIT %(limit)s OFFSET %(offset)s"""
_COUNT: LiteralString = f"""
    SELECT count(*) FROM cohorts c WHERE c.team_id = %(team_id)s AND NOT c.deleted AND {NAMED}"""
_ONE: LiteralString = """
    SELECT c.row::text FROM cohorts c
    WHERE c.team_id = %(team_id)s AND c.cohort_id = %(number)s AND NOT c.deleted"""

_THEN = (
    past.catalog("cohorts", "cohort_id", "cohort"),
    past.one_of_catalog("cohorts", "cohort_id"),
)

ROWS = Salvage(
    CohortRow(
        team_id=0,
        cohort_id=0,
        name=None,
        description="",
        is_static=False,
        filters=EMPTY_OBJECT,
        created_at=DAWN,
        created_by=None,
        updated_at=DAWN,
        version=0,
    )
)


def cohort_reads(pool: Pool) -> CatalogReads[CohortRow]:
    """The newest first."""
    return CatalogReads(pool, StreamKind.COHORT, ROWS.decode, _LIST, _COUNT, _ONE, _THEN)
