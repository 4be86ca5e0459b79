"""The insights that exist and are not deleted, by the log itself: one round trip for any number."""

from collections.abc import Sequence

from contracts.codec import stored_names
from contracts.events.insight import InsightCreated, InsightDeleted, InsightRestored
from contracts.events.streams import insight_stream
from services.common.log.store import EventStore

_LIFE = stored_names(InsightCreated, InsightDeleted, InsightRestored)
_ALIVE = stored_names(InsightCreated, InsightRestored)


async def living_insights(
    store: EventStore, team_id: int, insight_ids: Sequence[int]
) -> frozenset[int]:
    """The numbers among these that are insights of the project and not deleted."""
    streams = {insight_stream(team_id, number).id: number for number in insight_ids}
    newest = await store.newest(tuple(streams), _LIFE)
    return frozenset(
        streams[stream_id] for stream_id, (_, name) in newest.items() if name in _ALIVE
    )
