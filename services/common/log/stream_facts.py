"""The log by its streams, on a connection of the caller's: what rows are proved against.

All of it is read in the caller's transaction, so in the same moment as the rows themselves.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from contracts.chain import Entry
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from services.common.log import reading
from services.common.log.appends import Unreadable
from services.common.log.reading import FactRow, decoded_or_unreadable

Connection = AsyncConnection[TupleRow]
Facts = Sequence[Recorded[DomainEvent] | Unreadable]

CHUNK = 500

# The length by the index alone; versions rise by one.
_AFTER: LiteralString = """
    SELECT originator_id, team_id, coalesce(subject, subject_of_before(originator_id), ''),
        (
            SELECT originator_version FROM log AS last
            WHERE last.originator_id = first.originator_id
            ORDER BY originator_version DESC LIMIT 1
        )
    FROM log AS first
    WHERE originator_version = 1 AND originator_id > %s ORDER BY originator_id LIMIT %s"""

# Seals of reads are one every few seconds for ever, and no row is made of them.
_FACTS = f"{reading.FACT} WHERE topic NOT LIKE 'audit.reads_sealed.%%'"

_OF_ALL = f"""{_FACTS} AND originator_id = ANY(%s)
    ORDER BY notification_id"""

_OF_ONE = f"""{_FACTS} AND originator_id = %s AND originator_version > %s
    ORDER BY originator_version LIMIT %s"""

_BETWEEN = f"""{_FACTS} AND notification_id <= %(through)s
    AND (
        originator_id = ANY(%(new)s)
        OR (originator_id = ANY(%(known)s) AND notification_id > %(after)s)
    )
    ORDER BY notification_id"""

_EXISTING: LiteralString = """
    SELECT originator_id FROM log
    WHERE originator_id = ANY(%s) AND originator_version = 1 AND notification_id <= %s"""

# The project's own numbers are gapless, so the head counts its entries.
_SHORT: LiteralString = """
    SELECT team_id FROM log_heads
    WHERE team_id = ANY(%s)
        AND seq <> (SELECT count(*) FROM log WHERE log.team_id = log_heads.team_id)
    ORDER BY team_id LIMIT 1"""

_ERASED_SINCE: LiteralString = """
    SELECT EXISTS (
        SELECT FROM log WHERE notification_id > %s AND topic LIKE 'audit.payload_erased.%%'
    )"""


class KnownStream(Struct, frozen=True):
    """A stream that the log has. length: of its facts."""

    id: UUID
    team_id: int
    subject: str
    length: int

    @property
    def kind(self) -> str:
        return self.subject.partition("/")[0]

    @property
    def number(self) -> int:
        return int(self.subject.partition("/")[2] or 0)


def stream_id(kind: StreamKind, team_id: int, number: int) -> UUID:
    stream: Stream[DomainEvent] = Stream(kind, team_id, number)
    return stream.id


async def streams_after(conn: Connection, after: UUID, limit: int) -> list[KnownStream]:
    """The streams whose ids follow, in their order."""
    async with conn.cursor(binary=True, row_factory=args_row(KnownStream)) as cursor:
        await cursor.execute(_AFTER, (after, limit))
        return await cursor.fetchall()


async def facts_of(conn: Connection, streams: Collection[KnownStream]) -> AsyncIterator[Facts]:
    """The facts of these streams in the log's order: at once, or in chunks of the only stream, none
    of which cuts an operation.
    """
    if len(streams) > 1:
        yield await _facts(conn, _OF_ALL, ([stream.id for stream in streams],))
        return
    for stream in streams:
        version, chunk = 0, CHUNK
        while facts := await _facts(conn, _OF_ONE, (stream.id, version, chunk)):
            if len(facts) == chunk:
                cut = facts[-1].operation_id
                facts = [fact for fact in facts if fact.operation_id != cut]
                if not facts:
                    chunk *= 2
                    continue
            version = facts[-1].version
            yield facts


async def facts_between(
    conn: Connection, known: Collection[UUID], new: Collection[UUID], after: int, through: int
) -> Facts:
    """What `known` streams hold between these positions, and the `new` ones from their beginning,
    in the log's order.
    """
    asked = {"known": list(known), "new": list(new), "after": after, "through": through}
    return await _facts(conn, _BETWEEN, asked)


async def existing(conn: Connection, streams: Collection[UUID], position: int) -> set[UUID]:
    """Those of these streams that the log had at this position."""
    cursor = await conn.execute(_EXISTING, (list(streams), position))
    return {stream for (stream,) in await cursor.fetchall()}


async def entries_of(conn: Connection, streams: Collection[UUID]) -> list[Entry]:
    """With their proofs, each beside the hash before it."""
    async with conn.cursor(binary=True, row_factory=args_row(reading.entry)) as cursor:
        await cursor.execute(reading.STREAMS_ENTRIES, (list(streams),))
        return await cursor.fetchall()


async def entries_after(conn: Connection, position: int, count: int) -> list[Entry]:
    async with conn.cursor(binary=True, row_factory=args_row(reading.entry)) as cursor:
        await cursor.execute(reading.ENTRIES, (position, count))
        return await cursor.fetchall()


async def project_entry(conn: Connection, team_id: int, sequence: int) -> Entry | None:
    async with conn.cursor(binary=True, row_factory=args_row(reading.entry)) as cursor:
        await cursor.execute(reading.PROJECT_ENTRIES, (team_id, sequence - 1, 1))
        return await cursor.fetchone()


async def short_project(conn: Connection, teams: Collection[int]) -> int | None:
    """The first of these projects whose entries are not as many as its head says."""
    row = await (await conn.execute(_SHORT, (list(teams),))).fetchone()
    return None if row is None else int(row[0])


async def erased_since(conn: Connection, position: int) -> bool:
    """Whether a payload was erased beyond this position: rows of before still show it."""
    row = await (await conn.execute(_ERASED_SINCE, (position,))).fetchone()
    return row == (True,)


async def _facts(
    conn: Connection, statement: str, asked: tuple[object, ...] | Mapping[str, object]
) -> Facts:
    async with conn.cursor(binary=True, row_factory=args_row(FactRow)) as cursor:
        await cursor.execute(statement.encode(), asked)
        return [decoded_or_unreadable(row) for row in await cursor.fetchall()]
