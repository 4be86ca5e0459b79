"""One batch of captured events: from the stream to ClickHouse and the persons, exactly once.

The order, and why a crash between any two steps loses and doubles nothing:

1. The range of stream sequences is written down, with a random token, and committed. From now on a
   repetition takes the same messages under the same token.
2. uuids that *earlier* sequences brought are dropped. Rows of an unfinished attempt at this same
   range don't count, so a repetition drops the same ones.
3. In one PostgreSQL transaction, still open: persons and groups follow the events.
4. ClickHouse gets the changed persons (a repetition replaces them by themselves), so that no event
   is seen before its person or their merge; then the rows under the token (a
   repetition does nothing), then their uuids likewise.
5. The transaction commits, if the lease is still ours, with the marks of what it brought and the
   checkpoint. Until then a repetition starts from the same persons and makes the same rows. A
   result computed from these rows before that is kept under an earlier checkpoint, so the marks
   outdate it.

An event that a server will never hold is set aside, and the others are stored without it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, LiteralString
from uuid import UUID, uuid4

import msgspec
import psycopg
from prometheus_client import Counter, Gauge, Histogram

from contracts.product_events import UnreadableBatch, decode_batch, encode_event
from contracts.times import SECOND_US
from services.common.clickhouse import ClickHouse
from services.projector.product_events import event_rows, groups, marks, person_tables
from services.projector.product_events.captured import StreamMessage
from services.projector.product_events.event_rows import Origin, RefusedRow
from services.projector.product_events.following import (
    UNWRITABLE,
    MessageEvent,
    first_unwritable,
    follow,
)
from services.projector.product_events.lease import Lease, LeaseLost

Step = Literal[
    "range fixed", "uuids looked up", "persons written", "persons mirrored", "events inserted",
    "uuids inserted", "marks moved", "checkpoint moved", "committed",
]  # fmt: skip
STEPS: Final[tuple[Step, ...]] = Step.__args__  # type: ignore[attr-defined]  # of a Literal

STORED = Counter("recount_ingested_events", "Product events stored and visible.")
REPEATED = Counter(
    "recount_ingest_repeated_events", "Events dropped: their uuid was stored before."
)
SET_ASIDE = Counter("recount_ingest_set_aside", "Events and messages that could not be stored.")
POSITION = Gauge(
    "recount_ingest_position",
    "Sequence of the bucket's stream that everything is visible up to.",
    ["bucket"],
)
DELAY_SECONDS = Histogram(
    "recount_ingest_delay_seconds",
    "From an event's arrival to its being visible; the newest of each batch.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


class SequenceRange(msgspec.Struct, frozen=True):
    """Stream sequences, both included. token: names the rows that are stored of them; None for a
    range that was begun before there were tokens.
    """

    first: int
    last: int
    token: UUID | None = None


class VisibleRange(msgspec.Struct, frozen=True):
    """reached: all up to this sequence is visible. unfinished: a range that was begun after it."""

    reached: int
    unfinished: SequenceRange | None


_FIX: Final[LiteralString] = """
    UPDATE ingest_progress AS p
    SET batch_first = %(first)s, batch_last = %(last)s, batch_token = %(token)s"""


# Before the first row goes: from now on its numbers are not told.
_RESTORE: Final[LiteralString] = """
    UPDATE ingest_progress AS p SET restorations = p.restorations + 1,
        restoring_to = greatest(p.restoring_to, %(last)s)"""
# A batch of nothing but repeats counts for nothing.
_COUNT: Final[LiteralString] = """
    INSERT INTO bucket_days AS d (bucket, day, events)
    VALUES (%(bucket)s, (now() AT TIME ZONE 'UTC')::date, %(events)s)
    ON CONFLICT (bucket, day) DO UPDATE SET events = d.events + excluded.events"""
_REMEMBER: Final[LiteralString] = """
    INSERT INTO ingest_kept (stream, at, reached)
    VALUES (%(stream)s, date_trunc('hour', now()), %(reached)s) ON CONFLICT DO NOTHING"""
_BEFORE: Final[LiteralString] = """
    SELECT max(reached) FROM ingest_kept
    WHERE stream = %(stream)s AND at <= now() - make_interval(hours => %(hours)s)
    HAVING count(*) > 0"""
_FORGET: Final[LiteralString] = """
    DELETE FROM ingest_kept
    WHERE stream = %(stream)s AND at < (
        SELECT max(at) FROM ingest_kept
        WHERE stream = %(stream)s AND at <= now() - make_interval(hours => %(hours)s)
    )"""


class Unstorable(msgspec.Struct, frozen=True):
    """An event that is set aside; index -1: the whole message."""

    sequence: int
    index: int
    team_id: int
    uuid: UUID | None
    reason: str
    message: bytes


def no_step(_: Step) -> None:
    """Nothing happens between the steps."""


class Ingest:
    """Stores batches of one bucket's stream, one after the other, as long as its lease is held.

    at: called with the name of each step when it is done; tests crash there.
    """

    def __init__(
        self,
        lease: Lease,
        clickhouse: ClickHouse,
        at: Callable[[Step], None] = no_step,
        bucket: int = 0,
    ) -> None:
        self._bucket = bucket
        self._lease = lease
        self._conn = lease.conn
        self._clickhouse = clickhouse
        self._stream = lease.stream
        self._at = at

    async def progress(self) -> VisibleRange:
        """Makes the stream's line in the table when it is new."""
        await self._conn.execute(
            "INSERT INTO ingest_progress (stream, bucket) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (self._stream, self._bucket),
        )
        cursor = await self._conn.execute(
            "SELECT reached, batch_first, batch_last, batch_token FROM ingest_progress"
            " WHERE stream = %s",
            (self._stream,),
        )
        row = await cursor.fetchone()
        assert row is not None
        reached, first, last, token = row
        return VisibleRange(reached, None if first is None else SequenceRange(first, last, token))

    async def cut_off(self, stands: VisibleRange, end: int) -> VisibleRange:
        """Take out of ClickHouse what PostgreSQL knows nothing of, up to `end`; what is known after
        that.

        PostgreSQL is older than ClickHouse, then: a standby has taken over that had not got
        everything, or a backup was restored. What goes is stored anew from the stream, in other
        ranges: that it still has those messages is the caller's to see to.
        """
        unfinished = stands.unfinished
        if unfinished is not None:
            unfinished = msgspec.structs.replace(unfinished, token=uuid4())
            await self._move(_FIX, unfinished)
        await self._move(_RESTORE, SequenceRange(stands.reached + 1, end))
        self._lease.check()
        await event_rows.delete_between(self._clickhouse, self._origin(stands.reached), end)
        return VisibleRange(stands.reached, unfinished)

    async def take_over(self, end: int) -> VisibleRange:
        """Let what ClickHouse holds up to `end` stand, although PostgreSQL knows nothing of it."""
        await self._finish(SequenceRange(end, end))
        return VisibleRange(end, None)

    async def begin(self, messages: Sequence[StreamMessage]) -> SequenceRange:
        """Fix the range that these messages, which follow each other, are stored as."""
        batch = SequenceRange(messages[0].sequence, messages[-1].sequence, uuid4())
        await self._move(_FIX, batch)
        self._at("range fixed")
        return batch

    async def store(self, batch: SequenceRange, messages: Sequence[StreamMessage]) -> None:
        """Everything from step 2 on. messages: all that the stream has in the range, in order."""
        located, unstorable, newest = _decoded(messages)
        fresh = await self._fresh(batch, located)
        self._at("uuids looked up")
        while not await self._store_or_set_one_aside(batch, fresh, unstorable):
            pass  # one event less
        self._at("committed")
        POSITION.labels(str(self._bucket)).set(batch.last)
        if newest is not None:
            DELAY_SECONDS.observe(max(time.time() - newest / SECOND_US, 0))

    async def _fresh(
        self, batch: SequenceRange, located: Sequence[MessageEvent]
    ) -> list[MessageEvent]:
        """Without events whose uuid is stored, or came earlier in the batch."""
        wanted = {(one.team_id, one.event.uuid) for one in located}
        before = self._origin(batch.first)
        seen = await event_rows.stored_uuids(self._clickhouse, wanted, before)
        fresh = []
        for one in located:
            key = (one.team_id, one.event.uuid)
            if key not in seen:
                seen.add(key)
                fresh.append(one)
        REPEATED.inc(len(located) - len(fresh))
        return fresh

    async def _store_or_set_one_aside(
        self, batch: SequenceRange, fresh: list[MessageEvent], unstorable: list[Unstorable]
    ) -> bool:
        """Whether they are stored. If not, the event at fault went from `fresh` to `unstorable`."""
        try:
            async with self._conn.transaction():
                await self._store_fresh(batch, fresh, unstorable)
        except UNWRITABLE:
            found = await first_unwritable(self._conn, fresh, batch.last)
            if found is None:
                raise
            index, refusal = found
            unstorable.append(_unwritable(fresh.pop(index), refusal))
            return False
        return True

    async def _store_fresh(
        self, batch: SequenceRange, fresh: Sequence[MessageEvent], unstorable: Sequence[Unstorable]
    ) -> None:
        conn, clickhouse, version = self._conn, self._clickhouse, batch.last
        followed = await follow(conn, fresh, version)
        rows, persons, changed = followed.rows, followed.persons, followed.groups
        self._at("persons written")
        self._lease.check()
        await person_tables.mirror(clickhouse, persons, version)
        await groups.mirror(clickhouse, changed, version)
        self._at("persons mirrored")
        self._lease.check()
        token = f"{self._stream}-{batch.token or f'{batch.first}-{batch.last}'}"
        refused = await event_rows.insert_events(
            clickhouse, rows, token, time.time_ns() // 1000, self._bucket
        )
        self._at("events inserted")
        self._lease.check()
        bad = {(one.row.sequence, one.row.index) for one in refused}
        stored = [row for row in rows if (row.sequence, row.index) not in bad]
        await event_rows.insert_uuids(clickhouse, stored, token, self._bucket)
        self._at("uuids inserted")
        await self._set_aside([*unstorable, *map(_unstorable, refused)])
        await marks.move(conn, stored, followed.marks, version)
        if stored:
            await conn.execute(_COUNT, {"bucket": self._bucket, "events": len(stored)})
        self._at("marks moved")
        await self._finish(batch)
        self._at("checkpoint moved")
        STORED.inc(len(stored))

    async def _set_aside(self, unstorable: Sequence[Unstorable]) -> None:
        for one in unstorable:
            await self._conn.execute(
                "INSERT INTO ingest_set_aside"
                " (stream, sequence, place, team_id, uuid, reason, message)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (self._stream, *msgspec.structs.astuple(one)),
            )
        SET_ASIDE.inc(len(unstorable))

    async def stored_before(self, reached: int, hours: int) -> int:
        """Up to where messages were stored so many hours ago; written down once an hour."""
        values = {"stream": self._stream, "reached": reached, "hours": hours}
        if hours == 0:
            return reached
        async with self._conn.transaction():
            await self._conn.execute(_REMEMBER, values)
            cursor = await self._conn.execute(_BEFORE, values)
            row = await cursor.fetchone()
            if row is None:
                return 0
            await self._conn.execute(_FORGET, values)
        return int(row[0])

    def _origin(self, sequence: int) -> Origin:
        return Origin(self._bucket, sequence)

    async def _finish(self, batch: SequenceRange) -> None:
        await self._move(
            "UPDATE ingest_progress AS p SET reached = %(last)s, batch_first = NULL,"
            " batch_last = NULL, batch_token = NULL, updated_at = now()",
            batch,
        )

    async def _move(self, update: LiteralString, batch: SequenceRange) -> None:
        """Raises LeaseLost where another process has taken it."""
        moved = await self._conn.execute(
            f"{update} FROM ingest_leases AS l"
            " WHERE p.stream = %(stream)s AND l.stream = p.stream AND l.epoch = %(epoch)s",
            {
                "first": batch.first,
                "last": batch.last,
                "token": batch.token,
                "stream": self._stream,
                "epoch": self._lease.epoch,
            },
        )
        if moved.rowcount == 0:
            raise LeaseLost("another process has taken it")


def _decoded(
    messages: Sequence[StreamMessage],
) -> tuple[list[MessageEvent], list[Unstorable], int | None]:
    """Their events in order, the messages that have none, and when the newest of them arrived."""
    located: list[MessageEvent] = []
    unreadable: list[Unstorable] = []
    newest: int | None = None
    for message in messages:
        try:
            batch = decode_batch(message.payload)
        except UnreadableBatch as cause:
            unreadable.append(
                Unstorable(message.sequence, -1, message.team_id, None, str(cause), message.payload)
            )
            continue
        newest = batch.received
        located += [
            MessageEvent(message.sequence, index, message.team_id, event)
            for index, event in enumerate(batch.events)
        ]
    return located, unreadable, newest


def _unwritable(one: MessageEvent, refusal: psycopg.Error) -> Unstorable:
    return Unstorable(
        one.sequence,
        one.index,
        one.team_id,
        one.event.uuid,
        f"PostgreSQL: {refusal}",
        encode_event(one.event),
    )


def _unstorable(refused: RefusedRow) -> Unstorable:
    row = refused.row
    return Unstorable(
        row.sequence,
        row.index,
        row.team_id,
        row.event.uuid,
        refused.reason,
        encode_event(row.event),
    )
