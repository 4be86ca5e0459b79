"""Actions, one and a page of them, each in one round trip."""

from typing import LiteralString

from contracts.events.action import NO_STEPS
from contracts.events.streams import StreamKind
from contracts.read_models.action import ActionRow
from services.common.postgres.database import Pool
from services.query.reads import past
from services.query.reads.catalog_rows import NAMED, CatalogReads
from services.query.reads.salvage import DAWN, Salvage

_LIST: LiteralString = f"""
    SELECT a.row::text FROM actions a WHERE a.team_id = %(team_id)s AND NOT a.deleted AND {NAMED}
        AND a.action_id < %(before)s
    ORDER BY a.action_id DESC LIMIT %(limit)s OFFSET %(offset)s"""
_COUNT: LiteralString = f"""
    SELECT count(*) FROM actions a WHERE a.team_id = %(team_id)s AND NOT a.deleted AND {NAMED}"""
_ONE: LiteralString = """
    SELECT a.row::text FROM actions a
    WHERE a.team_id = %(team_id)s AND a.action_id = %(number)s AND NOT a.deleted"""

_THEN = (
    past.catalog("actions", "action_id", "action"),
    past.one_of_catalog("actions", "action_id"),
)

ROWS = Salvage(
    ActionRow(
        team_id=0,
        action_id=0,
        name=None,
        description="",
        steps=NO_STEPS,
        created_at=DAWN,
        created_by=None,
        updated_at=DAWN,
        version=0,
    )
)


def action_reads(pool: Pool) -> CatalogReads[ActionRow]:
    """The newest first."""
    return CatalogReads(pool, StreamKind.ACTION, ROWS.decode, _LIST, _COUNT, _ONE, _THEN)
