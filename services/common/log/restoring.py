"""What the log has lost, put back; and the timeline on which it was verified, written down.

Each is one transaction under the log's lock, so an append comes before it, and is refused, or
after it, and stands behind what was put back.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.chain import Entry, Link
from contracts.events.audit import LogVoided
from contracts.events.recorded import SystemActor
from contracts.events.streams import audit_stream
from services.common.log.appends import Append, AppendPart
from services.common.log.continuing import Continuation, LogEnd
from services.common.log.judging import DAWN, prepare
from services.common.log.recorder import LogRecorder
from services.common.log.retaking import take_again
from services.common.log.store import utc_now
from services.common.log.transaction import (
    HEAD,
    LINKS,
    VERSIONS,
    LogTransaction,
    write_entries,
)
from services.common.postgres.database import Pool

SYSTEM_PROJECT = 0
"""The chain of what is about the whole log; no project has this number."""

_CHUNK = 1000

_VERIFIED: LiteralString = """
    UPDATE log_state SET timeline = log_timeline(), checked_at = now(),
        checked_position = coalesce((SELECT max(notification_id) FROM log), 0)"""


class LogMoved(Exception):
    """The log does not end where it did when it was looked at: nothing was done, look again."""


async def log_end(pool: Pool, entries: Sequence[Entry]) -> LogEnd:
    """Where the log ends, with the chains and the streams that these entries are of."""
    async with pool.connection() as conn, conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        last = await (await conn.execute(HEAD)).fetchone()
        teams = list({entry.team_id for entry in entries})
        links = await (await conn.execute(LINKS, (teams,), binary=True)).fetchall()
        streams = list({entry.stream_id for entry in entries})
        versions: list[tuple[UUID, int]] = await (
            await conn.execute(VERSIONS, (streams,))
        ).fetchall()
    position, at = (0, DAWN) if last is None or last[0] is None else last[:2]
    return LogEnd(
        position=position,
        at=at,
        links={team: Link(seq, hash_) for team, seq, hash_ in links},
        versions=dict(versions),
    )


async def put_back(
    pool: Pool,
    end: LogEnd,
    found: Continuation,
    crash_at: Callable[[str], None] = lambda point: None,
) -> None:
    """The entries behind `end`, and the numbers that they have; when they are all that is to be put
    back, the log is verified. Raises LogMoved.
    """
    async with _locked(pool, end.position) as conn:
        for first in range(0, len(found.entries), _CHUNK):
            entries = found.entries[first : first + _CHUNK]
            await write_entries(conn, entries, found.links, entries[-1].at)
        await take_again(conn, found.entries)
        if found.reason is None:
            await conn.execute(_VERIFIED)
        crash_at("put back")
    crash_at("committed")


async def set_verified(pool: Pool, position: int) -> None:
    """The log, which ends there, is taken as it is on this timeline. Raises LogMoved."""
    async with _locked(pool, position) as conn:
        await conn.execute(_VERIFIED)


async def void(conn: AsyncConnection[TupleRow], head: int, first: int, last: int) -> int:
    """Facts in the place of what the stream holds behind the log, which ends at `head`, so that
    none of those positions ever means anything else; and one behind them, for whoever has read that
    far. The log is verified then. The position of the last fact.

    conn: in autocommit mode. first, last: positions at which the stream differs. Raises LogMoved.
    """
    fact = LogVoided(first=first, last=last)
    operation = uuid4()
    append = Append(
        parts=(
            AppendPart(audit_stream(SYSTEM_PROJECT), None, (fact,) * (max(last - head, 0) + 1)),
        ),
        actor=SystemActor(),
        operation_id=operation,
        correlation_id=operation,
    )

    async def verified(writing: AsyncConnection[TupleRow]) -> None:
        await _check(writing, head)
        await writing.execute(_VERIFIED)

    transaction = LogTransaction(utc_now, unverified_too=True)
    judgement = await transaction.write(conn, [prepare(append)], verified)
    return judgement.entries[-1].position


@asynccontextmanager
async def _locked(pool: Pool, position: int) -> AsyncIterator[AsyncConnection[TupleRow]]:
    recorder = LogRecorder()
    async with pool.connection() as conn, conn.transaction():
        for statement in recorder.locking:
            await conn.execute(statement)
        await conn.execute(recorder.ringing)
        await _check(conn, position)
        yield conn


async def _check(conn: AsyncConnection[TupleRow], position: int) -> None:
    last = await (await conn.execute(HEAD)).fetchone()
    if last is None or (last[0] or 0) != position:
        raise LogMoved
