"""Cohorts, one and a page of them, each in one round trip."""

from typing import LiteralString

import msgspec

from contracts.events.recorded import StreamKind
from contracts.read_models.cohort import CohortRow
from services.common.database import Pool
from services.query.reads.catalog_rows import NAMED, CatalogReads

_LIST: LiteralString = f"""
    SELECT c.row::text FROM cohorts c WHERE c.team_id = %(team_id)s AND NOT c.deleted AND {NAMED}
    ORDER BY c.name_key, c.cohort_id LIMIT %(limit)s OFFSET %(offset)s"""
_COUNT: LiteralString = f"""
    SELECT count(*) FROM cohorts c WHERE c.team_id = %(team_id)s AND NOT c.deleted AND {NAMED}"""
_ONE: LiteralString = """
    SELECT c.row::text FROM cohorts c
    WHERE c.team_id = %(team_id)s AND c.cohort_id = %(number)s AND NOT c.deleted"""


def cohort_reads(pool: Pool) -> CatalogReads[CohortRow]:
    """By name."""
    return CatalogReads(
        pool, StreamKind.COHORT, msgspec.json.Decoder(CohortRow), _LIST, _COUNT, _ONE
    )
