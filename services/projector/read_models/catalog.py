"""What insights are seen by: dashboards, access rules, actions, cohorts, settings; a row each.

They are one projection because they rarely move: each projection reads the whole log for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from contracts.codec import stored_name
from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models import projections
from services.projector.checkpoint import Connection
from services.projector.projection import Table
from services.projector.read_models.access import AccessRows
from services.projector.read_models.actions import ActionRows
from services.projector.read_models.cohorts import CohortRows
from services.projector.read_models.dashboards import DashboardRows
from services.projector.read_models.projects import ProjectRows


class Rows(Protocol):
    """One row per stream. topic: the first word of the stored names that move it."""

    topic: str
    tables: tuple[Table, ...]

    async def load(self, conn: Connection, streams: Sequence[UUID]) -> dict[UUID, Any]: ...

    def project(self, row: Any, fact: Recorded[Any]) -> Any: ...

    async def save(self, conn: Connection, rows: Mapping[UUID, Any]) -> None: ...


ROWS: tuple[Rows, ...] = (DashboardRows(), AccessRows(), ActionRows(), CohortRows(), ProjectRows())

State = dict[str, dict[UUID, Any]]
"""Topic -> stream -> row. Every stream that is loaded is about to be touched, so all are saved."""


class CatalogProjection:
    name = projections.CATALOG
    topics = frozenset(rows.topic for rows in ROWS)
    tables = tuple(table for rows in ROWS for table in rows.tables)

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> State:
        state: State = {}
        for rows in ROWS:
            streams = {fact.stream_id for fact in facts if _topic(fact) == rows.topic}
            if streams:
                state[rows.topic] = await rows.load(conn, list(streams))
        return state

    def apply(self, state: State, fact: Recorded[DomainEvent]) -> None:
        rows = _BY_TOPIC[_topic(fact)]
        known = state[rows.topic]
        known[fact.stream_id] = rows.project(known.get(fact.stream_id), fact)

    async def save(self, conn: Connection, state: State) -> None:
        for topic, rows in state.items():
            await _BY_TOPIC[topic].save(conn, rows)


_BY_TOPIC = {rows.topic: rows for rows in ROWS}


def _topic(fact: Recorded[DomainEvent]) -> str:
    return stored_name(fact.event).partition(".")[0]
