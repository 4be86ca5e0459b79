"""An insight's sharing configuration, in one round trip."""

from typing import LiteralString

import msgspec

from contracts.events.streams import insight_stream, sharing_stream
from contracts.read_models.projections import CATALOG, HISTORY, INSIGHTS, SHARING
from contracts.read_models.sharing import SharingRow
from contracts.references import InsightReference
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.postgres.database import Pool
from services.query.reads import past
from services.query.reads.access import CLOSED_BY, LEVEL, access
from services.query.reads.joined_to_insight import Past, joined_to_insight
from services.query.reads.read_position import ReadPosition, Snapshot

_decoder = msgspec.json.Decoder(SharingRow)

_COLUMNS: LiteralString = f"i.insight_id, s.row::text, t.token, p.position, {LEVEL}, {CLOSED_BY}"
_BESIDE: LiteralString = """
    LEFT JOIN sharing s ON s.team_id = i.team_id AND s.insight_id = i.insight_id
    LEFT JOIN share_tokens t ON t.id = (s.row->>'token_id')::bigint
    LEFT JOIN parked_streams p ON p.projection = 'sharing' AND p.stream_id = s.stream_id"""

_PAST_COLUMNS: LiteralString = (
    f"i.insight_id, s.row::text, t.token, p.position, {LEVEL}, {past.CLOSED_BY_NOW}"
)
_PAST_BESIDE: LiteralString = """
    LEFT JOIN sharing s ON s.team_id = i.team_id AND s.insight_id = i.insight_id
    LEFT JOIN share_tokens t ON t.id = (s.row->>'token_id')::bigint
        AND s.token_now = s.row->>'token_id'
    LEFT JOIN parked_streams p ON p.projection = 'history' AND p.stream_id = %(sharing_stream)s"""


class FoundSharing(msgspec.Struct, frozen=True):
    """exists: the insight does. row: None when it was never shared. access_token: while it is.

    access: what the caller may do with the insight.
    """

    exists: bool
    row: SharingRow | None
    access_token: str | None
    parked_at: int | None
    access: Access


class SharingReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, caller: Caller, insight: InsightReference) -> Snapshot[FoundSharing]:
        """Of an insight in sight."""
        return await joined_to_insight(
            self._pool, caller, insight, _COLUMNS, _BESIDE, (INSIGHTS, SHARING, CATALOG), _found
        )

    async def one_then(self, caller: Caller, number: int, as_of: int) -> Snapshot[FoundSharing]:
        """As it was at that position; its token only while that is the living one."""
        values = {
            "as_of": as_of,
            "insight_stream": insight_stream(caller.team_id, number).id,
            "sharing_stream": sharing_stream(caller.team_id, number).id,
        }
        return await joined_to_insight(
            self._pool,
            caller,
            InsightReference(number=number),
            _PAST_COLUMNS,
            _PAST_BESIDE,
            (INSIGHTS, SHARING, CATALOG, HISTORY),
            _found,
            Past(f"{past.ONE_INSIGHT}, {past.SHARING}", values),
        )


def _found(
    insight_id: int | None,
    row: str | None,
    token: str | None,
    parked_at: int | None,
    level: int,
    closed_by: int,
    reached: int | None,
    head: int,
) -> Snapshot[FoundSharing]:
    sharing = None if row is None else _decoder.decode(row)
    return Snapshot(
        FoundSharing(insight_id is not None, sharing, token, parked_at, access(level, closed_by)),
        ReadPosition(reached or 0, head),
    )
