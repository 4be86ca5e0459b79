"""The last_viewed table: when each user looked at each insight last."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import StreamKind
from contracts.events.viewing import InsightViewed
from contracts.read_models import projections
from services.projector.checkpoint import Connection
from services.projector.projection import VIEWING, Entry, ErasedFrom, Numbered, ProjectionTable

_SAVE = """
    INSERT INTO last_viewed AS known (team_id, user_id, insight_id, viewed_at)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (team_id, user_id, insight_id) DO UPDATE
    SET viewed_at = greatest(known.viewed_at, excluded.viewed_at)"""

Views = dict[tuple[int, int, int], datetime]
"""(project, user, insight) -> when."""


class LastViewedProjection:
    name = projections.LAST_VIEWED
    topics = frozenset({VIEWING})
    tables = (
        ProjectionTable(
            "last_viewed",
            ("team_id", "user_id", "insight_id"),
            Numbered(StreamKind.VIEWING, "user_id"),
        ),
    )

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> Views:
        """Nothing: a view's time follows from its fact alone, and only ever moves forward."""
        return {}

    def apply(self, state: Views, fact: Recorded[DomainEvent]) -> None:
        if isinstance(fact.event, InsightViewed):
            state[fact.team_id, fact.event.user_id, fact.event.insight_id] = fact.at

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        return None

    async def save(self, conn: Connection, state: Views) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(_SAVE, [(*who, at) for who, at in state.items()])

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        """Nothing: a view has neither text nor document."""
        return ()
