"""What is no fact about webhooks: their addresses, and how far each was delivered."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from contracts.api.webhooks import WebhookStanding
from contracts.chain import HASH_BYTES
from contracts.cursors import cursor_text
from contracts.read_models.webhook import WebhookRow
from services.common.postgres.database import Pool

# delivered: up to the first that is due in a lane that goes on; before the deliverer has begun, the
# beginning.
_STANDING: LiteralString = """
    SELECT asked.webhook_id, address.url, asked.after, reached.delivered,
        (SELECT hash FROM log WHERE team_id = %(team_id)s AND team_seq = asked.after),
        (SELECT hash FROM log WHERE team_id = %(team_id)s AND team_seq = reached.delivered),
        (SELECT count(*) FROM webhook_pending p WHERE p.webhook_id = asked.webhook_id)
    FROM unnest(%(webhooks)s::bigint[], %(addresses)s::bigint[], %(afters)s::bigint[])
        AS asked (webhook_id, address_id, after)
    LEFT JOIN webhook_secrets address ON address.id = asked.address_id
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT min(p.sequence) - 1 FROM webhook_pending p
            WHERE p.webhook_id = asked.webhook_id AND p.replay = 0 AND NOT EXISTS (
                SELECT FROM webhook_parked k
                WHERE k.webhook_id = p.webhook_id AND k.lane = p.lane)),
            (SELECT read_through FROM webhook_progress g WHERE g.webhook_id = asked.webhook_id),
            asked.after
        ) AS delivered
    ) AS reached"""


async def standings(
    pool: Pool, team_id: int, rows: Sequence[WebhookRow]
) -> Mapping[int, WebhookStanding]:
    """By the webhook's number; of webhooks of one project, in one round trip."""
    if not rows:
        return {}
    asked = {
        "team_id": team_id,
        "webhooks": [row.webhook_id for row in rows],
        "addresses": [row.settings.address_id for row in rows],
        "afters": [row.after for row in rows],
    }
    async with pool.connection() as conn:
        found = await (await conn.execute(_STANDING, asked)).fetchall()
    return {
        number: WebhookStanding(
            url=url or "",
            delivered=_cursor(delivered, delivered_hash),
            after=_cursor(after, after_hash),
            pending=pending,
        )
        for number, url, after, delivered, after_hash, delivered_hash, pending in found
    }


def _cursor(sequence: int, hash_: bytes | None) -> str:
    return cursor_text(sequence, hash_ or bytes(HASH_BYTES))
