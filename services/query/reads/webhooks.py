"""Webhooks, one and all of a project; what became of what they sent."""

from typing import LiteralString

import msgspec
from psycopg.rows import args_row

from contracts.api.webhooks import Attempt, AttemptState
from contracts.events.streams import StreamKind
from contracts.read_models.webhook import WebhookRow
from services.common.postgres.database import Pool
from services.query.reads.catalog_rows import CatalogReads

# A project has a few at most: all of them are one page.
_LIST: LiteralString = """
    SELECT w.row::text FROM webhooks w WHERE w.team_id = %(team_id)s AND NOT w.deleted
    ORDER BY w.webhook_id"""
_COUNT: LiteralString = "SELECT 0"
_ONE: LiteralString = """
    SELECT w.row::text FROM webhooks w
    WHERE w.team_id = %(team_id)s AND w.webhook_id = %(number)s AND NOT w.deleted"""

_ATTEMPTS: LiteralString = """
    SELECT number, sequence, lane, at, duration_ms, state, status, error, response, retry_at
    FROM webhook_attempts
    WHERE webhook_id = %(webhook)s AND number > %(after)s
        AND (%(state)s::text IS NULL OR state = %(state)s)
    ORDER BY number LIMIT %(limit)s"""

_decoder = msgspec.json.Decoder(WebhookRow)


def webhook_reads(pool: Pool) -> CatalogReads[WebhookRow]:
    """The oldest first."""
    return CatalogReads(pool, StreamKind.WEBHOOK, _decoder.decode, _LIST, _COUNT, _ONE)


class AttemptReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, webhook_id: int, after: int, state: AttemptState | None, limit: int
    ) -> list[Attempt]:
        """The oldest first, beyond number `after`."""
        asked = {"webhook": webhook_id, "after": after, "state": state, "limit": limit}
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(Attempt))
            return await (await cursor.execute(_ATTEMPTS, asked)).fetchall()
