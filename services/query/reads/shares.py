"""From a token to the live share that it opens, in one round trip."""

from datetime import UTC, datetime
from typing import LiteralString

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import INSIGHTS, SHARING
from contracts.read_models.sharing import SharingRow
from services.common.insights.shares import Share, is_alive, is_token
from services.common.postgres.database import Pool
from services.query.reads.read_position import REACHED, ReadPosition, Snapshot, projections

_sharing = msgspec.json.Decoder(SharingRow)
_insight = msgspec.json.Decoder(InsightRow)

# A token is there before the fact that makes it open anything, so it tells whose log to wait for.
_FIND: LiteralString = f"""
    SELECT t.id, s.row::text, i.row::text, {REACHED},
        (SELECT notification_id FROM log WHERE team_id = t.team_id
        ORDER BY team_seq DESC LIMIT 1)
    FROM share_tokens t
    LEFT JOIN sharing s ON s.team_id = t.team_id AND s.insight_id = t.insight_id
    LEFT JOIN insights i ON i.team_id = t.team_id AND i.insight_id = t.insight_id
    WHERE t.token = %(token)s"""

_NOBODYS: Snapshot[Share | None] = Snapshot(None, ReadPosition(reached=0, wanted=0))


class ShareReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, token: str) -> Snapshot[Share | None]:
        """None for unknown, switched off and rotated away alike; the insight may be deleted."""
        if not is_token(token):
            return _NOBODYS
        values = {"token": token, "projections": projections(INSIGHTS, SHARING)}
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_FIND, values)
            row = await cursor.fetchone()
        if row is None:
            return _NOBODYS
        token_id, sharing, insight, reached, head = row
        return Snapshot(_share(token_id, sharing, insight), ReadPosition(reached or 0, head or 0))


def _share(token_id: int, sharing: str | None, insight: str | None) -> Share | None:
    if sharing is None or insight is None:
        return None
    share = Share(token_id, _sharing.decode(sharing), _insight.decode(insight))
    return share if is_alive(share.sharing, token_id, datetime.now(UTC)) else None
