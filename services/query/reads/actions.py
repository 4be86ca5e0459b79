"""Actions, one and a page of them, each in one round trip."""

from typing import LiteralString

import msgspec

from contracts.events.recorded import StreamKind
from contracts.read_models.action import ActionRow
from services.common.database import Pool
from services.query.reads.catalog_rows import NAMED, CatalogReads

_LIST: LiteralString = f"""
    SELECT a.row::text FROM actions a WHERE a.team_id = %(team_id)s AND NOT a.deleted AND {NAMED}
    ORDER BY a.name_key, a.action_id LIMIT %(limit)s OFFSET %(offset)s"""
_COUNT: LiteralString = f"""
    SELECT count(*) FROM actions a WHERE a.team_id = %(team_id)s AND NOT a.deleted AND {NAMED}"""
_ONE: LiteralString = """
    SELECT a.row::text FROM actions a
    WHERE a.team_id = %(team_id)s AND a.action_id = %(number)s AND NOT a.deleted"""


def action_reads(pool: Pool) -> CatalogReads[ActionRow]:
    """By name."""
    return CatalogReads(
        pool, StreamKind.ACTION, msgspec.json.Decoder(ActionRow), _LIST, _COUNT, _ONE
    )
