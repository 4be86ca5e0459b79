"""Streams folded again beside the live rows, in temporary tables of the auditor's session.

They are named like the live ones, so that the statements of a projection mean them; the live ones
are named with their schema. They are empty again at the end of each transaction.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Identifier

from contracts.events.recorded import Recorded
from services.common.log.stream_facts import KnownStream, facts_between, facts_of
from services.projector import batch
from services.projector.checkpoint import Connection
from services.projector.projection import Entry, Projection, topic

Pace = Callable[[int], Awaitable[None]]


class Standing(msgspec.Struct, frozen=True):
    """How far a projection is. parked: streams left behind, each from this position on."""

    position: int
    parked: Mapping[UUID, int]

    def has(self, entry: Entry) -> bool:
        """Whether the live rows contain it."""
        return entry.position <= self.position and not (
            entry.stream_id in self.parked and self.parked[entry.stream_id] <= entry.position
        )


class Fold(msgspec.Struct):
    """A projection's fold of some streams. streams: those that could be folded.

    context: other streams that were folded because these look at them. operations: what made
    entries, as far as it is of these streams: operation, stream, and the other one.
    """

    streams: list[KnownStream]
    context: set[UUID] = msgspec.field(default_factory=set)
    operations: set[tuple[int, UUID, UUID, UUID | None]] = msgspec.field(default_factory=set)
    position: int = 0


class Shadow:
    """conn: a session of its own, in autocommit mode. home: the schema of the live tables."""

    def __init__(self, conn: Connection, home: str, projections: Sequence[Projection[Any]]) -> None:
        self.conn = conn
        self.home = home
        self.projections = projections

    @classmethod
    async def open(cls, conn: Connection, projections: Sequence[Projection[Any]]) -> "Shadow":
        cursor = await conn.execute("SELECT current_schema()")
        (home,) = await cursor.fetchone() or ("public",)
        shadow = cls(conn, home, projections)
        for table in [table for projection in projections for table in projection.tables]:
            # A fold looks rows up by their keys alone.
            await conn.execute(
                SQL(
                    "CREATE TEMPORARY TABLE {new} ("
                    "LIKE {live} INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY ({key})"
                    ") ON COMMIT DELETE ROWS"
                ).format(
                    new=Identifier(table.name),
                    live=Identifier(home, table.name),
                    key=SQL(", ").join(map(Identifier, table.key)),
                )
            )
        return shadow

    async def standing(self, projection: Projection[Any], *, hold: bool = False) -> Standing:
        """hold: until the transaction ends, nobody moves the projection's rows."""
        reached = "SELECT position FROM checkpoints WHERE projection = %s"
        cursor = await self.conn.execute(
            f"{reached} FOR UPDATE" if hold else reached, (projection.name,)
        )
        row = await cursor.fetchone()
        if row is None:
            raise LookupError(f"projection {projection.name!r} has no checkpoint")
        parked = await self.conn.execute(
            "SELECT stream_id, position FROM parked_streams WHERE projection = %s",
            (projection.name,),
        )
        return Standing(int(row[0]), dict(await parked.fetchall()))

    async def fold(
        self,
        standings: Mapping[Projection[Any], Standing],
        streams: Sequence[KnownStream],
        pace: Pace,
    ) -> Mapping[Projection[Any], Fold]:
        """Fold these streams in each projection as far as it is. Raises what `batch.REFUSED` has
        when the database takes a row no more.
        """
        folds = {projection: Fold(list(streams)) for projection in standings}
        async for facts in facts_of(self.conn, streams):
            for projection, fold in folds.items():
                await self._fold(projection, standings[projection], fold, facts)
            await pace(len(facts))
        return folds

    async def _fold(
        self, projection: Projection[Any], standing: Standing, fold: Fold, facts: Sequence[Entry]
    ) -> None:
        own = {stream.id for stream in fold.streams}
        entries = [
            fact
            for fact in facts
            if fact.stream_id in own and topic(fact) in projection.topics and standing.has(fact)
        ]
        if not entries:
            return
        looked_at: set[UUID] = set()
        for fact in entries:
            if isinstance(fact, Recorded):
                other = projection.context(fact)
                fold.operations.add((fact.team_id, fact.operation_id, fact.stream_id, other))
                if other is not None:
                    looked_at.add(other)
        entries += await self._context(standing, fold, looked_at - own, entries[-1].position)
        entries = [entry for entry in entries if topic(entry) in projection.topics]
        entries.sort(key=lambda entry: entry.position)
        state = await projection.load(
            self.conn, [entry for entry in entries if isinstance(entry, Recorded)]
        )
        refused = {one.stream_id for one in batch.fold(projection, state, entries, set())}
        await projection.save(self.conn, state)
        if refused:
            # This version can't fold what another one has: nothing is proved by it.
            kept = [] if refused - own else fold.streams
            fold.streams = [stream for stream in kept if stream.id not in refused]

    async def _context(
        self, standing: Standing, fold: Fold, looked_at: Collection[UUID], through: int
    ) -> list[Entry]:
        """What the streams looked at had come to by then, as far as it is not folded yet."""
        new = set(looked_at) - fold.context
        found: Sequence[Entry] = []
        if new or fold.context:
            found = await facts_between(self.conn, fold.context, new, fold.position, through)
        fold.context |= new
        fold.position = through
        return [entry for entry in found if standing.has(entry)]
