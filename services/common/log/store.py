"""The log of facts, as every service sees it: append, load a stream, read on from a position.

Its inside is in `services.common.log`; only this and `services.common.log.verify` import that.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar, cast
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import BaseRowFactory, TupleRow, args_row, scalar_row, tuple_row
from psycopg_pool import AsyncConnectionPool

from contracts.chain import Entry
from contracts.events.recorded import Actor, DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from services.common.log import reading
from services.common.log.appends import (
    Append,
    AppendedFacts,
    AppendPart,
    KindsPending,
    LogUnavailable,
    LogUnverified,
    NewReceipt,
    OutcomeUnknown,
    Rank,
    RankLost,
    Receipt,
    ReceiptExists,
    Unreadable,
)
from services.common.log.judging import PreparedAppend, actor_text, prepare
from services.common.log.recorder import (
    BELL_CHANNEL,
    DatabaseFunctionsEnabled,
    refuse_database_functions,
)
from services.common.log.transaction import RECEIPTS_KEPT, LogTransaction
from services.common.log.writer import PATIENCE_SECONDS, LogWriter
from services.common.postgres.database import CONNECTION_LOST, NOTICED, RECONNECT_SECONDS
from services.common.postgres.grouped import GroupedLookups
from services.common.postgres.pool_metrics import watch
from services.common.postgres.releases import NAMED
from services.common.tasks import background, every, passing_over

__all__ = [
    "BELL_CHANNEL",
    "Append",
    "AppendPart",
    "AppendedFacts",
    "DatabaseFunctionsEnabled",
    "EventStore",
    "FactInStream",
    "KindsPending",
    "LogUnavailable",
    "LogUnverified",
    "NewReceipt",
    "OutcomeUnknown",
    "Rank",
    "RankLost",
    "Receipt",
    "ReceiptExists",
    "Unreadable",
    "UsersOperations",
]

T = TypeVar("T")
E = TypeVar("E", bound=DomainEvent)

READERS = 8
FORGET_EVERY_SECONDS = 3600.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class FactInStream(msgspec.Struct, frozen=True):
    """A fact, and the stream that it stands in."""

    stream: Stream[DomainEvent]
    fact: Recorded[DomainEvent]


class UsersOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Operations of users in a project: those recorded from `since` on and before `until`.

    user_id, key_id: of whom; None: of anybody. streams: that did something to one of these; None:
    to any. up_to: no fact beyond this position counts.
    """

    team_id: int
    since: datetime
    until: datetime
    up_to: int
    user_id: int | None = None
    key_id: str | None = None
    streams: tuple[UUID, ...] | None = None


class Pasts:
    """The facts of several streams, as they were loaded together."""

    def __init__(self, facts: Mapping[UUID, list[Recorded[DomainEvent]]]) -> None:
        self._facts = facts

    def __getitem__(self, stream: Stream[E]) -> list[Recorded[E]]:
        """Oldest first. Raises KeyError for a stream that was not loaded."""
        return _typed(stream, self._facts[stream.id])


def of_stream(stream: Stream[E], facts: Sequence[Recorded[DomainEvent]]) -> list[Recorded[E]]:
    """The facts of this stream among others'."""
    return _typed(stream, [fact for fact in facts if fact.stream_id == stream.id])


def _stream(subject: str, team_id: int) -> Stream[DomainEvent]:
    kind, _, number = subject.partition("/")
    return Stream(StreamKind(kind), team_id, int(number))


def _typed(_: Stream[E], facts: list[Recorded[DomainEvent]]) -> list[Recorded[E]]:
    # Only facts of a stream's kind are ever appended to it.
    return cast("list[Recorded[E]]", facts)


class EventStore:
    """One process's door to the log. Open it with `EventStore.open`."""

    def __init__(self, pool: AsyncConnectionPool, writer: LogWriter, now: Callable[[], datetime]):
        self._pool = pool
        self._writer = writer
        self._now = now
        self._named: frozenset[str] = frozenset()
        self._loads: GroupedLookups[tuple[UUID, ...], list[reading.FactRow]] = GroupedLookups(
            self._load_groups
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        now: Callable[[], datetime] = utc_now,
        crash_at: Callable[[str], None] = lambda point: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> AsyncIterator["EventStore"]:
        """Appends that wait when the block ends are still written.

        patience_seconds: how long an append waits for PostgreSQL to come back.
        Raises DatabaseFunctionsEnabled; psycopg_pool.PoolTimeout when PostgreSQL can't be reached.
        """
        refuse_database_functions()
        writer = LogWriter(url, LogTransaction(now, crash_at=crash_at), patience_seconds)
        pool = AsyncConnectionPool(
            url,
            kwargs={**NOTICED, "autocommit": True, "options": "-c timezone=UTC"},
            min_size=1,
            max_size=READERS,
            open=False,
            name="log readers",
            reconnect_timeout=RECONNECT_SECONDS,
        )
        watch(pool)
        async with pool:
            await pool.wait(timeout=patience_seconds)
            store = cls(pool, writer, now)
            await store._look_up_named()
            writer.start()
            # A log that is opened for a moment need not be cleaned up.
            hour = FORGET_EVERY_SECONDS
            forgetting = every(hour, store.forget_receipts, away=CONNECTION_LOST, first_after=hour)
            try:
                async with background("receipts", forgetting):
                    yield store
            finally:
                await writer.close()

    async def append(self, new: Append) -> AppendedFacts:
        """Record all of it or nothing; the answer comes once it is durable.

        Raises ConcurrentEdit when a stream has moved on, RankLost, ReceiptExists when the key was
        used, LogUnavailable (nothing was written; KindsPending and LogUnverified are such) and
        OutcomeUnknown (see there).
        """
        prepared = prepare(new)
        await self._require_named(prepared)
        return await self._writer.append(prepared)

    async def _require_named(self, prepared: PreparedAppend) -> None:
        """Raises KindsPending. What is named stays so: only what was not is looked up again."""
        wanted = {name for part in prepared.parts for name, _, _ in part.facts}
        if not wanted <= self._named:
            await self._look_up_named()
            if pending := wanted - self._named:
                raise KindsPending(sorted(pending))

    async def _look_up_named(self) -> None:
        self._named = frozenset(await self._select(scalar_row, NAMED, ()))

    async def load(self, stream: Stream[E], up_to: int | None = None) -> list[Recorded[E]]:
        """A stream's facts, oldest first, to version `up_to`; none when it never began.

        Raises Undecodable.
        """
        return _typed(stream, await self.load_by_id(stream.id, up_to))

    async def load_by_id(
        self, stream_id: UUID, up_to: int | None = None
    ) -> list[Recorded[DomainEvent]]:
        """The same of a stream that is known by its id alone, as a receipt has it."""
        rows = args_row(reading.FactRow)
        if up_to is None:
            found = await self._select(rows, reading.STREAM, (stream_id,))
        else:
            found = await self._select(rows, reading.STREAM_UP_TO, (stream_id, up_to))
        return [reading.decoded(row) for row in found]

    async def lengths(
        self, streams: Sequence[Stream[DomainEvent]]
    ) -> dict[Stream[DomainEvent], int]:
        """The version of each, without a look at its facts; 0 of one that never began."""
        if not streams:
            return {}
        asked = ([stream.id for stream in streams],)
        found: dict[UUID, int] = dict(await self._select(tuple_row, reading.LENGTHS, asked))
        return {stream: found[stream.id] for stream in streams}

    async def load_all(self, streams: Sequence[Stream[DomainEvent]]) -> Pasts:
        """Each stream's facts, oldest first. Raises Undecodable.

        One round trip for any number of streams, shared with loads at the same moment.
        """
        rows = await self._loads.get(tuple(stream.id for stream in streams))
        pasts: dict[UUID, list[Recorded[DomainEvent]]] = {stream.id: [] for stream in streams}
        for row in rows:
            pasts[row.stream_id].append(reading.decoded(row))
        return Pasts(pasts)

    async def read(self, after: int, limit: int = 1000) -> list[Recorded[DomainEvent] | Unreadable]:
        """The log beyond position `after`, in order, without gaps."""
        rows = await self._select(args_row(reading.FactRow), reading.FACTS, (after, limit))
        return [reading.decoded_or_unreadable(row) for row in rows]

    async def entries(self, after: int, limit: int = 1000) -> list[Entry]:
        """The same entries as `read`, as bytes with their proofs."""
        return await self._select(args_row(reading.entry), reading.ENTRIES, (after, limit))

    async def project_entries(self, team_id: int, after: int, limit: int = 1000) -> list[Entry]:
        """A project's entries beyond its sequence `after`, in order, without gaps."""
        asked = (team_id, after, limit)
        return await self._select(args_row(reading.entry), reading.PROJECT_ENTRIES, asked)

    async def newest(
        self, stream_ids: Sequence[UUID], names: Sequence[str]
    ) -> dict[UUID, tuple[int, str]]:
        """Of each stream that has facts with one of these stored names: the newest one's
        position and name, by stream id. One round trip for any number of streams.
        """
        found = await self._select(tuple_row, reading.NEWEST, (list(stream_ids), list(names)))
        return {stream_id: (position, name) for stream_id, position, name in found}

    async def operations(self, team_id: int, operation_ids: Sequence[UUID]) -> list[FactInStream]:
        """The facts of these operations in the project, over all streams, in the log's order.

        Raises Undecodable.
        """
        asked = (team_id, list(operation_ids))
        rows = await self._select(args_row(reading.of_operation), reading.OPERATIONS, asked)
        return [
            FactInStream(_stream(row.subject, team_id), reading.decoded(row.fact)) for row in rows
        ]

    async def operations_of(self, asked: UsersOperations, limit: int) -> list[tuple[UUID, int]]:
        """Such operations, newest first, each with the number of its facts. Those that only looked
        at something, erased or held it are left out.
        """
        values = msgspec.structs.asdict(asked) | {"limit": limit}
        values["streams"] = None if asked.streams is None else list(asked.streams)
        return await self._select(tuple_row, reading.USERS_OPERATIONS, values)

    async def head(self) -> int:
        """The last position; 0 while the log is empty."""
        (position,) = await self._select(scalar_row, reading.HEAD, ())
        return int(position)

    async def receipt(self, team_id: int, actor: Actor, key: str) -> Receipt | None:
        """The outcome of a command under this key in the last seven days."""
        found = await self._select(
            args_row(Receipt),
            reading.RECEIPT,
            {
                "team_id": team_id,
                "actor": actor_text(actor),
                "key": key,
                "since": self._now() - RECEIPTS_KEPT,
            },
        )
        return found[0] if found else None

    async def forget_receipts(self) -> int:
        """Delete receipts that are past their time. Returns how many."""
        async with self._pool.connection() as conn:
            deleted = await conn.execute(reading.FORGET_RECEIPTS, (self._now() - RECEIPTS_KEPT,))
            return deleted.rowcount

    async def _load_groups(self, groups: Sequence[tuple[UUID, ...]]) -> list[list[reading.FactRow]]:
        """For each group of streams, the rows of all of them, each stream's in its order."""
        ids = list({stream_id for group in groups for stream_id in group})
        rows: dict[UUID, list[reading.FactRow]] = {stream_id: [] for stream_id in ids}
        for row in await self._select(args_row(reading.FactRow), reading.STREAMS, (ids,)):
            rows[row.stream_id].append(row)
        return [[row for stream_id in group for row in rows[stream_id]] for group in groups]

    async def _select(
        self,
        rows: BaseRowFactory[T],
        statement: str,
        parameters: tuple[object, ...] | dict[str, object],
    ) -> list[T]:
        """Asks again when the pooled connection turns out to be dead: after a restart of
        PostgreSQL all of them are, and reading twice changes nothing.
        """
        for _ in range(READERS):
            async with self._pool.connection() as conn:
                with passing_over("log: read", *CONNECTION_LOST):
                    return await _fetch(conn, rows, statement, parameters)
                if not conn.broken:
                    break
        async with self._pool.connection() as conn:
            return await _fetch(conn, rows, statement, parameters)


async def _fetch(
    conn: AsyncConnection[TupleRow],
    rows: BaseRowFactory[T],
    statement: str,
    parameters: tuple[object, ...] | dict[str, object],
) -> list[T]:
    async with conn.cursor(binary=True, row_factory=rows) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()
