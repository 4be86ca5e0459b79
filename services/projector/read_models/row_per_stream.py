"""The read models with one row per stream: the row is the fold of the stream's facts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from contracts.codec import stored_name
from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models.projections import Projection as Name
from services.common.log.entries import facts_of
from services.projector.checkpoint import Connection
from services.projector.projection import Entry, ErasedFrom, ProjectionTable

Row = TypeVar("Row")
Event = TypeVar("Event", bound=DomainEvent)

_encoder = msgspec.json.Encoder()


class FoldedRow(msgspec.Struct, Generic[Row, Event]):
    """row: as the table had it, then as it is after `facts`, those of this batch, in order."""

    row: Row | None
    facts: list[Recorded[Event]] = msgspec.field(default_factory=list)


Also = Callable[[Connection, Sequence[tuple[Row, Sequence[Recorded[Event]]]]], Awaitable[None]]
"""Given each touched row with the facts of the batch that touched it."""
Forget = Callable[[Connection, Sequence[ErasedFrom], int], Awaitable[None]]
"""Given the streams that are folded again, up to which position."""


class RowPerStream(Generic[Row, Event]):
    """One table: its rows as JSON, and beside them the columns that are searched and joined.

    topic: the first word of the stored names of its facts.
    tables: its own one first, then those that `also` writes.
    columns: row and facts -> the columns besides `stream_id` and `row`; always the same names.
    also: writes the other tables, after the rows. forget: deletes from them what `also` only ever
    adds.
    """

    def __init__(
        self,
        topic: str,
        tables: tuple[ProjectionTable, ...],
        row: type[Row],
        project: Callable[[Row | None, Recorded[Event]], Row],
        columns: Callable[[Row], dict[str, object]],
        also: Callable[
            [Connection, Sequence[tuple[Row, Sequence[Recorded[Event]]]]], Awaitable[None]
        ]
        | None = None,
        forget: Forget | None = None,
    ) -> None:
        self.topic = topic
        self.tables = tables
        self._decoder = msgspec.json.Decoder(row)
        self._project = project
        self._columns = columns
        self._also = also
        self._forget = forget
        self._delete = SQL("DELETE FROM {} WHERE stream_id = ANY(%s)").format(
            Identifier(tables[0].name)
        )
        self._load = SQL("SELECT stream_id, row::text FROM {} WHERE stream_id = ANY(%s)").format(
            Identifier(tables[0].name)
        )

    async def load(
        self, conn: Connection, streams: Sequence[UUID]
    ) -> dict[UUID, FoldedRow[Row, Event]]:
        """The rows of these streams, as far as there are any."""
        cursor = await conn.execute(self._load, (list(streams),))
        return {
            stream_id: FoldedRow(self._decoder.decode(row))
            for stream_id, row in await cursor.fetchall()
        }

    def apply(self, state: dict[UUID, FoldedRow[Row, Event]], fact: Recorded[Event]) -> None:
        """Fold one fact; on any exception `state` is as it was before."""
        known = state.get(fact.stream_id) or FoldedRow(None)
        known.row = self._project(known.row, fact)
        known.facts.append(fact)
        state[fact.stream_id] = known

    async def save(self, conn: Connection, state: Mapping[UUID, FoldedRow[Row, Event]]) -> None:
        """Write the rows that a fact has touched."""
        touched = {
            stream_id: (folded.row, folded.facts)
            for stream_id, folded in state.items()
            if folded.row is not None and folded.facts
        }
        if not touched:
            return
        values = [
            self._columns(row) | {"stream_id": stream_id, "row": _encoder.encode(row).decode()}
            for stream_id, (row, _) in touched.items()
        ]
        async with conn.cursor() as cursor:
            await cursor.executemany(_upsert(self.tables[0], tuple(values[0])), values)
        if self._also is not None:
            await self._also(conn, list(touched.values()))

    async def forget(self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int) -> None:
        """Delete the rows of these streams."""
        await conn.execute(self._delete, ([each.stream_id for each in erased],))
        if self._forget is not None:
            await self._forget(conn, erased, up_to)


def _upsert(table: ProjectionTable, columns: tuple[str, ...]) -> Composed:
    return SQL(
        "INSERT INTO {table} ({columns}) VALUES ({values})"
        " ON CONFLICT ({key}) DO UPDATE SET {moved}"
    ).format(
        table=Identifier(table.name),
        columns=SQL(", ").join(map(Identifier, columns)),
        values=SQL(", ").join(map(Placeholder, columns)),
        key=SQL(", ").join(map(Identifier, table.key)),
        moved=SQL(", ").join(
            SQL("{column} = excluded.{column}").format(column=Identifier(column))
            for column in columns
            if column not in table.key
        ),
    )


State = dict[str, dict[UUID, FoldedRow[Any, Any]]]
"""Topic -> stream -> its row, as far as this batch has got."""


class StreamProjection:
    """A projection made of such read models; they share its checkpoint."""

    def __init__(self, name: Name, models: Sequence[RowPerStream[Any, Any]]) -> None:
        self.name: Name = name
        self.topics = frozenset(model.topic for model in models)
        self.tables = tuple(table for model in models for table in model.tables)
        self._models = {model.topic: model for model in models}

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> State:
        streams: dict[str, set[UUID]] = {}
        for fact in facts:
            streams.setdefault(_topic(fact), set()).add(fact.stream_id)
        return {
            topic: await self._models[topic].load(conn, list(named))
            for topic, named in streams.items()
        }

    def apply(self, state: State, fact: Recorded[DomainEvent]) -> None:
        topic = _topic(fact)
        self._models[topic].apply(state[topic], fact)

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        return None

    async def save(self, conn: Connection, state: State) -> None:
        for topic, rows in state.items():
            await self._models[topic].save(conn, rows)

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        ours = [each for each in erased if each.topic in self._models]
        for topic in {each.topic for each in ours}:
            of_topic = [each for each in ours if each.topic == topic]
            await self._models[topic].forget(conn, of_topic, up_to)
        return await facts_of(conn, [each.stream_id for each in ours], (), up_to)


def _topic(fact: Recorded[DomainEvent]) -> str:
    return stored_name(fact.event).partition(".")[0]
