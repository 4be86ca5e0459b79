"""A project's chain out of one log and into another: entries as they are, at other positions.

What was written elsewhere keeps its hash, in which its first position is.
"""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.rows import TupleRow, args_row

from contracts.chain import BEGINNING, Entry, Link, follow
from contracts.json import is_null
from services.common.log import reading
from services.common.log.appends import LogUnverified
from services.common.log.recorder import LogRecorder
from services.common.log.transaction import IS_VERIFIED

FETCH = 1_000

_HEAD_OF: LiteralString = "SELECT seq, hash FROM log_heads WHERE team_id = %s"
_POSITION: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM log"
_WRITE: LiteralString = """
    INSERT INTO log (
        originator_id, originator_version, topic, state, notification_id, team_id, team_seq,
        recorded_at, actor, operation_id, correlation_id, causation_id, salt, commitment, hash,
        subject, origin_position
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_MOVE: LiteralString = """
    INSERT INTO log_heads (team_id, seq, hash, recorded_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (team_id) DO UPDATE
    SET seq = excluded.seq, hash = excluded.hash, recorded_at = excluded.recorded_at"""

Conn = psycopg.Connection[TupleRow]


class NotTheNext(Exception):
    """The log has other entries of the project than those that are to follow."""


def chain_of(conn: Conn, team_id: int) -> Iterator[Entry]:
    """A project's entries from the first on; in a transaction, which sees them as they are now."""
    with conn.cursor(name="chain", binary=True, row_factory=args_row(reading.entry)) as cursor:
        cursor.itersize = FETCH
        cursor.execute(reading.PROJECT_ENTRIES.encode(), (team_id, 0, None))
        yield from cursor


def end_of(conn: Conn, team_id: int) -> Link:
    row = conn.execute(_HEAD_OF, (team_id,)).fetchone()
    return BEGINNING if row is None else Link(row[0], bytes(row[1]))


def bring_in(conn: Conn, entries: Sequence[Entry]) -> None:
    """Append entries of one project that were written in another log; what is there is passed over.

    In one transaction, under the log's lock like every append. Raises NotTheNext, BrokenChain
    where they do not follow each other, and LogUnverified.
    """
    team_id = entries[0].team_id
    recorder = LogRecorder()
    with conn.transaction():
        for statement in recorder.locking:
            conn.execute(statement)
        conn.execute(recorder.ringing)
        if conn.execute(IS_VERIFIED).fetchone() != (True,):
            raise LogUnverified("another PostgreSQL has taken over, see `recount log recover`")
        link = end_of(conn, team_id)
        (position,) = conn.execute(_POSITION).fetchone() or (0,)
        rows: list[tuple[Any, ...]] = []
        for entry in entries:
            if entry.team_seq <= link.team_seq and not rows:
                continue
            if is_null(entry.event) or entry.team_id != team_id:
                raise NotTheNext(f"entry {entry.team_seq} is not whole")
            link = follow(link, entry)
            position += 1
            rows.append(_row(entry, position))
        if not rows:
            return
        with conn.cursor() as cursor:
            cursor.executemany(_WRITE, rows)
        conn.execute(_MOVE, (team_id, link.team_seq, link.hash, entries[-1].at))


def _row(entry: Entry, position: int) -> tuple[Any, ...]:
    return (
        *(entry.stream_id, entry.version, entry.name, bytes(entry.event), position),
        *(entry.team_id, entry.team_seq, entry.at, bytes(entry.actor).decode()),
        *(entry.operation_id, entry.correlation_id, entry.causation_id, entry.salt),
        *(entry.commitment, entry.hash, entry.subject or None, entry.hashed_position),
    )
