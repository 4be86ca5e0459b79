"""From a token to the insight it opens: the one place that says whether a share is alive."""

import re
from datetime import UTC, datetime

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.sharing import SharingRow
from services.common.database import Pool
from services.common.share_session import ShareSession

_sharing = msgspec.json.Decoder(SharingRow)
_insight = msgspec.json.Decoder(InsightRow)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

_FIND = """
    SELECT t.id, s.row::text, i.row::text
    FROM share_tokens t
    JOIN sharing s ON s.team_id = t.team_id AND s.insight_id = t.insight_id
    JOIN insights i ON i.team_id = t.team_id AND i.insight_id = t.insight_id AND NOT i.deleted
    WHERE t.token = %s"""


class Share(msgspec.Struct, frozen=True):
    """A live share: the token it was found by, its configuration and its insight."""

    token_id: int
    sharing: SharingRow
    insight: InsightRow

    @property
    def team_id(self) -> int:
        return self.insight.team_id

    def opened_by(self, session: ShareSession | None) -> bool:
        """Whether the visitor may look: no password is asked for, or a living one was given."""
        if not self.sharing.password_required:
            return True
        return (
            session is not None
            and session.token_id == self.token_id
            and any(known.id == session.password_id for known in self.sharing.passwords)
        )


class Shares:
    """Finds shares by their tokens."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, token: str) -> Share | None:
        """None for unknown, switched off, rotated away and deleted alike: one round trip."""
        if _TOKEN.fullmatch(token) is None:
            return None
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_FIND, (token,))
            row = await cursor.fetchone()
        if row is None:
            return None
        token_id, sharing, insight = row
        share = Share(token_id, _sharing.decode(sharing), _insight.decode(insight))
        return share if is_alive(share.sharing, token_id, datetime.now(UTC)) else None


def is_alive(sharing: SharingRow, token_id: int, now: datetime) -> bool:
    """The present token, or one that was rotated away and still has its grace."""
    if not sharing.enabled:
        return False
    return sharing.token_id == token_id or any(
        old.token_id == token_id and now < old.until for old in sharing.grace
    )
