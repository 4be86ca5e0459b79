"""A person's product events go: from ClickHouse, from the tables of persons, from the stream.

It is done between two batches, by whoever stores them, on the connection that holds the lease. So
no batch brings back, or copies, what is on its way out; what the person does later is stored anew.
"""

from collections.abc import Sequence
from typing import LiteralString

import nats.errors
from nats.aio.client import Client
from nats.js import errors as js_errors
from psycopg.rows import args_row

from contracts.product_events import UnreadableBatch, decode_batch
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.postgres.erasures import (
    OF_PRODUCT_EVENTS,
    ErasureTask,
    Place,
    Subject,
    done,
)
from services.common.stream import StreamUnavailable, ask_jetstream
from services.projector.product_events.captured import CapturedStream
from services.projector.product_events.person_tables import Conn

# Those of the bucket's projects whose next place is ours.
_WAITING: LiteralString = """
    SELECT e.id, e.team_id, e.kind, e.subject, e.actor, e.operation_id, e.correlation_id, e.asked,
        e.state, e.failed_place, e.failed_reason, e.made_at, e.receipt
    FROM erasures e
    WHERE e.state = 'requested' AND e.asked AND e.failed_place IS NULL
        AND coalesce((SELECT p.bucket FROM projects p WHERE p.id = e.team_id), 0) = %s
        AND (
            SELECT place FROM erasure_steps s
            WHERE s.erasure_id = e.id AND s.done_at IS NULL ORDER BY s.number LIMIT 1
        ) = ANY(%s)
    ORDER BY e.id LIMIT 1"""
_NEXT: LiteralString = """
    SELECT place FROM erasure_steps
    WHERE erasure_id = %s AND done_at IS NULL AND place = ANY(%s) ORDER BY number LIMIT 1"""

_PERSON: LiteralString = "person_id IN {people:Array(UUID)}"
_DELETE: tuple[tuple[str, LiteralString], ...] = (
    ("events", "(person_id IN {people:Array(UUID)} OR distinct_id IN {ids:Array(String)})"),
    ("persons", _PERSON),
    ("person_distinct_ids", f"({_PERSON} OR distinct_id IN {{ids:Array(String)}})"),
    ("person_overrides", f"({_PERSON} OR target_id IN {{people:Array(UUID)}})"),
    ("cohort_people", _PERSON),
)
_COUNT: LiteralString = """
    SELECT count() FROM events
    WHERE team_id = {team:Int64}
        AND (person_id IN {people:Array(UUID)} OR distinct_id IN {ids:Array(String)})"""

_ROWS: tuple[LiteralString, ...] = (
    "DELETE FROM persons WHERE team_id = %(team)s AND person_id = ANY(%(people)s)",
    "DELETE FROM person_distinct_ids WHERE team_id = %(team)s"
    " AND (person_id = ANY(%(people)s) OR distinct_id = ANY(%(ids)s))",
    "DELETE FROM person_overrides WHERE team_id = %(team)s"
    " AND (person_id = ANY(%(people)s) OR target_id = ANY(%(people)s))",
    "DELETE FROM cohort_members WHERE team_id = %(team)s AND person_id = ANY(%(people)s)",
)
_ASIDE: LiteralString = """
    SELECT sequence, place, message FROM ingest_set_aside WHERE stream = %s AND team_id = %s"""
_FORGET_ASIDE: LiteralString = """
    DELETE FROM ingest_set_aside WHERE stream = %s AND sequence = %s AND place = %s"""
_NO_MESSAGE = frozenset({10037, 10057})


class PersonErasing:
    """conn: holds the lease of `stream`, the bucket's."""

    def __init__(
        self, conn: Conn, clickhouse: ClickHouse, bus: Client, stream: str, bucket: int = 0
    ) -> None:
        self._bucket = bucket
        self._conn = conn
        self._clickhouse = clickhouse
        self._bus = bus
        self._stream = stream

    async def go_on(self, reached: int) -> None:
        """Every erasure that waits for this service. reached: all up to there is stored."""
        while (task := await self._waiting()) is not None:
            while (place := await self._next(task)) is not None:
                match place:
                    case "events":
                        count = await self._events(task)
                    case "persons":
                        count = await self._persons(task)
                    case _:
                        count = await self._captured(task, reached)
                await done(self._conn, task.id, place, count)

    async def _waiting(self) -> ErasureTask | None:
        cursor = self._conn.cursor(row_factory=args_row(ErasureTask))
        await cursor.execute(_WAITING, (self._bucket, list(OF_PRODUCT_EVENTS)))
        return await cursor.fetchone()

    async def _next(self, task: ErasureTask) -> Place | None:
        cursor = await self._conn.execute(_NEXT, (task.id, list(OF_PRODUCT_EVENTS)))
        row = await cursor.fetchone()
        return None if row is None else row[0]

    async def _events(self, task: ErasureTask) -> int:
        """How many events went. Returns when the engine has none of it in its live parts."""
        bound = _bound(task.team_id, task.subject)
        rows = await self._clickhouse.query(Statement(_COUNT, bound))
        for table, condition in _DELETE:
            await self._clickhouse.command(
                f"ALTER TABLE {table} DELETE WHERE team_id = {{team:Int64}} AND {condition}"
                " SETTINGS mutations_sync = 2",
                bound,
            )
        return int(rows[0][0])

    async def _persons(self, task: ErasureTask) -> int:
        """Of PostgreSQL: how many persons and ids went."""
        subject = task.subject
        asked = {
            "team": task.team_id,
            "people": list(subject.person_ids),
            "ids": list(subject.distinct_ids),
        }
        async with self._conn.transaction():
            deleted = [await self._conn.execute(statement, asked) for statement in _ROWS]
            aside = await (
                await self._conn.execute(_ASIDE, (self._stream, task.team_id))
            ).fetchall()
            for sequence, place, message in aside:
                if _names(message, subject):
                    await self._conn.execute(_FORGET_ASIDE, (self._stream, sequence, place))
        return sum(each.rowcount for each in deleted[:2])

    async def _captured(self, task: ErasureTask, reached: int) -> int:
        """Whole messages that hold an event of the person, and are stored already."""
        gone = 0
        messages = await CapturedStream.open(self._bus, self._stream, 1)
        try:
            while found := await messages.waiting():
                for message in found:
                    if message.sequence > reached:
                        return gone
                    if message.team_id == task.team_id and _names(message.payload, task.subject):
                        await self._delete(message.sequence)
                        gone += 1
        except (nats.errors.Error, js_errors.Error) as cause:
            raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
        finally:
            await messages.close()
        return gone

    async def _delete(self, sequence: int) -> None:
        asked = {"seq": sequence, "no_erase": False}
        await ask_jetstream(self._bus, f"STREAM.MSG.DELETE.{self._stream}", asked, _NO_MESSAGE)


def _names(message: bytes, subject: Subject) -> bool:
    """Whether one of its events is the person's; of what can't be read, whether it has an id."""
    ids = set(subject.distinct_ids)
    try:
        events = decode_batch(message).events
    except UnreadableBatch:
        return any(each.encode() in message for each in ids)
    return any(
        event.distinct_id in ids or (event.person is not None and event.person.joins in ids)
        for event in events
    )


def _bound(team_id: int, subject: Subject) -> dict[str, object]:
    people: Sequence[object] = list(subject.person_ids)
    return {"team": team_id, "people": people, "ids": list(subject.distinct_ids)}
