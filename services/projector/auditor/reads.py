"""Reads against their seals: as many as were sealed, with the root that the log has, and each the
one that was committed to.
"""

from typing import Any, LiteralString

import msgspec
from psycopg import IsolationLevel
from psycopg.rows import args_row

from contracts.codec import Undecodable, decode_event
from contracts.events.audit import ReadsSealed
from contracts.merkle import root_of
from contracts.reads import StoredRead
from services.common.log import stored_reads
from services.projector.auditor import state
from services.projector.checkpoint import Connection

# With what the log says of each, which alone is relied upon.
_SEALS: LiteralString = """
    SELECT seal.team_id, seal.first, seal.last, seal.root, seal.sequence, log.topic, log.state,
        coalesce((
            SELECT before.last FROM read_seals AS before
            WHERE before.team_id = seal.team_id AND before.last < seal.first
            ORDER BY before.last DESC LIMIT 1
        ), 0),
        coalesce((
            SELECT max(through) FROM read_expiries AS gone WHERE gone.team_id = seal.team_id
        ), 0)
    FROM read_seals AS seal
    LEFT JOIN log ON log.team_id = seal.team_id AND log.team_seq = seal.sequence
    WHERE seal.sequence IS NOT NULL AND (seal.team_id, seal.first) > (%s, %s)
    ORDER BY seal.team_id, seal.first LIMIT 1"""

_ROWS: LiteralString = f"""
    SELECT {stored_reads.COLUMNS}, %(sequence)s::bigint FROM reads AS r
    WHERE r.team_id = %(team_id)s AND r.number BETWEEN %(first)s AND %(last)s
    ORDER BY r.number"""


class _Seal(msgspec.Struct, frozen=True):
    """before: the last number under an earlier seal. expired: up to there reads may be gone."""

    team_id: int
    first: int
    last: int
    root: bytes
    sequence: int
    topic: str | None
    fact: bytes | None
    before: int
    expired: int


class ReadProofs:
    """A walk over all seals, round and round."""

    def __init__(self) -> None:
        self._after: tuple[int, int] = (-(2**63), 0)
        self._broken: dict[int, int] = {}

    async def step(self, conn: Connection) -> int:
        """Look at the reads under one seal more; how many there were. 0: all were looked at, and
        the next step begins anew.
        """
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            seals = conn.cursor(binary=True, row_factory=args_row(_Seal))
            await seals.execute(_SEALS, self._after)
            seal = await seals.fetchone()
            if seal is None:
                await state.broken_reads(conn, self._broken)
                self._after, self._broken = (-(2**63), 0), {}
                return 0
            rows = await _rows(conn, seal)
            if seal.team_id not in self._broken:
                if _holds(seal, rows):
                    await state.proved_reads_through(conn, seal.team_id, seal.last)
                else:
                    self._broken[seal.team_id] = seal.first
                    await state.broken_reads_of(conn, seal.team_id, seal.first)
        self._after = (seal.team_id, seal.first)
        return max(len(rows), 1)


async def _rows(conn: Connection, seal: _Seal) -> list[StoredRead]:
    cursor = conn.cursor(binary=True, row_factory=args_row(stored_reads.stored))
    asked: dict[str, Any] = {
        "team_id": seal.team_id,
        "first": seal.first,
        "last": seal.last,
        "sequence": seal.sequence,
    }
    await cursor.execute(_ROWS, asked)
    return await cursor.fetchall()


def _holds(seal: _Seal, rows: list[StoredRead]) -> bool:
    told = _told(seal)
    if told is None or (told.first, told.last, told.root) != (
        seal.first,
        seal.last,
        seal.root.hex(),
    ):
        return False
    # Numbers have no gap but for those that are too old.
    if seal.first != max(seal.before, 0) + 1 and seal.first > seal.expired + 1:
        return False
    there = [read.number for read in rows]
    kept = list(range(max(seal.first, seal.expired + 1), seal.last + 1))
    if seal.expired < seal.first:
        root = root_of([read.commitment for read in rows])
        return there == kept and root == seal.root and all(read.holds for read in rows)
    return there[-len(kept) :] == kept and all(read.holds for read in rows) if kept else True


def _told(seal: _Seal) -> ReadsSealed | None:
    """What the log says of it."""
    if seal.topic is None or seal.fact is None:
        return None
    try:
        event = decode_event(seal.topic, seal.fact)
    except Undecodable:
        return None
    return event if isinstance(event, ReadsSealed) else None
