"""Access rules beside the insight they are read through, in one round trip."""

from typing import LiteralString

import msgspec

from contracts.events.streams import access_stream, insight_stream
from contracts.read_models.access import WHOLE_PROJECT, AccessRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, HISTORY, INSIGHTS
from contracts.references import InsightReference
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.postgres.database import Pool
from services.query.reads import past
from services.query.reads.access import CLOSED_BY, LEVEL, access
from services.query.reads.insights import ROWS as INSIGHT_ROWS
from services.query.reads.joined_to_insight import Past, joined_to_insight
from services.query.reads.read_position import ReadPosition, Snapshot

_decoder = msgspec.json.Decoder(AccessRow)

_COLUMNS: LiteralString = (
    f"i.row::text, {LEVEL}, {CLOSED_BY}, own.row::text, whole.row::text, p.position"
)
_BESIDE: LiteralString = """
    LEFT JOIN access own ON own.team_id = i.team_id AND own.insight_id = i.insight_id
    LEFT JOIN access whole ON whole.team_id = i.team_id AND whole.insight_id = 0
    LEFT JOIN parked_streams p ON p.projection = 'catalog'
        AND p.stream_id IN (own.stream_id, whole.stream_id)
    LIMIT 1"""

_PAST_COLUMNS: LiteralString = (
    f"i.row::text, {LEVEL}, {past.CLOSED_BY_NOW}, own.row::text, whole.row::text, p.position"
)
_PAST_BESIDE: LiteralString = """
    LEFT JOIN access own ON own.team_id = i.team_id AND own.insight_id = i.insight_id
    LEFT JOIN access whole ON whole.team_id = i.team_id AND whole.insight_id = 0
    LEFT JOIN parked_streams p ON p.projection = 'history'
        AND p.stream_id = ANY(%(access_streams)s)
    LIMIT 1"""


class FoundRules(msgspec.Struct, frozen=True):
    """insight: None when there is none in sight. own, whole: None where there was never a rule."""

    insight: InsightRow | None
    access: Access
    own: AccessRow | None
    whole: AccessRow | None
    parked_at: int | None


class AccessReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, caller: Caller, insight: InsightReference) -> Snapshot[FoundRules]:
        return await joined_to_insight(
            self._pool, caller, insight, _COLUMNS, _BESIDE, (INSIGHTS, CATALOG), _found
        )

    async def one_then(self, caller: Caller, number: int, as_of: int) -> Snapshot[FoundRules]:
        """The rules as they were at that position. access: today's."""
        numbers = (number, WHOLE_PROJECT)
        values = {
            "as_of": as_of,
            "insight_stream": insight_stream(caller.team_id, number).id,
            "access_streams": [access_stream(caller.team_id, each).id for each in numbers],
        }
        return await joined_to_insight(
            self._pool,
            caller,
            InsightReference(number=number),
            _PAST_COLUMNS,
            _PAST_BESIDE,
            (INSIGHTS, CATALOG, HISTORY),
            _found,
            Past(f"{past.ONE_INSIGHT}, {past.ACCESS}", values),
        )


def _found(
    row: str | None,
    level: int,
    closed_by: int,
    own: str | None,
    whole: str | None,
    parked_at: int | None,
    reached: int | None,
    head: int,
) -> Snapshot[FoundRules]:
    rules = FoundRules(
        insight=None if row is None else INSIGHT_ROWS.decode(row),
        access=access(level, closed_by),
        own=None if own is None else _decoder.decode(own),
        whole=None if whole is None else _decoder.decode(whole),
        parked_at=parked_at,
    )
    return Snapshot(rules, ReadPosition(reached or 0, head))
