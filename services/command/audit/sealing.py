"""The seal over reads: every few seconds they get their numbers, and one fact with their root.

Three steps, each repeated by whoever finds it undone: the plan (numbers, and the seal's row without
a sequence, in one transaction), the fact, its sequence in the seal's row.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import LiteralString
from uuid import UUID, uuid5

import msgspec
from prometheus_client import Gauge
from psycopg.rows import args_row

from contracts.events.audit import ReadsSealed
from contracts.merkle import root_of
from services.command.audit.promised import PromisedFact, keep
from services.common.log.store import EventStore, LogUnavailable, OutcomeUnknown
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import every

AWAY = (LogUnavailable, OutcomeUnknown, *CONNECTION_LOST)
UNSEALED = Gauge("recount_reads_unsealed", "Reads in PostgreSQL that no seal has reached yet.")

# Reads under one seal; more of them get several.
MOST = 10_000
# The root over more is computed beside the event loop: 3 µs each.
_FEW = 500

_SEALS = UUID("e58f5f3a-2b33-5d0e-8a6c-7d4f3a0f0c41")
# Any number, as long as it is always the same: who holds it gives numbers.
_LOCK = 7_210_533

_TEAMS: LiteralString = """
    SELECT team_id FROM reads WHERE number IS NULL
    UNION SELECT team_id FROM read_seals WHERE sequence IS NULL ORDER BY team_id"""
_COUNT: LiteralString = "SELECT count(*) FROM reads WHERE number IS NULL"
_PENDING: LiteralString = """
    SELECT first, last, root, from_at, to_at FROM read_seals
    WHERE team_id = %s AND sequence IS NULL ORDER BY first LIMIT 1"""
# Numbers go on behind the last seal, or behind what has expired, once that is all there was.
_LAST: LiteralString = """
    SELECT greatest(
        (SELECT coalesce(max(last), 0) FROM read_seals WHERE team_id = %(team_id)s),
        (SELECT coalesce(max(through), 0) FROM read_expiries WHERE team_id = %(team_id)s))"""
_UNSEALED: LiteralString = """
    SELECT run, n, at, commitment FROM reads WHERE team_id = %s AND number IS NULL
    ORDER BY at, run, n LIMIT %s FOR UPDATE"""
_NUMBER: LiteralString = """
    UPDATE reads SET number = given.number
    FROM unnest(%(runs)s::uuid[], %(ns)s::bigint[], %(numbers)s::bigint[]) AS given (run, n, number)
    WHERE reads.run = given.run AND reads.n = given.n"""
_PLAN: LiteralString = """
    INSERT INTO read_seals (team_id, first, last, root, from_at, to_at)
    VALUES (%s, %s, %s, %s, %s, %s)"""
_DONE: LiteralString = "UPDATE read_seals SET sequence = %s WHERE team_id = %s AND first = %s"


class PlannedSeal(msgspec.Struct, frozen=True):
    """A row of read_seals."""

    first: int
    last: int
    root: bytes
    from_at: datetime
    to_at: datetime

    @property
    def fact(self) -> ReadsSealed:
        return ReadsSealed(
            first=self.first,
            last=self.last,
            count=self.last - self.first + 1,
            root=self.root.hex(),
            from_=self.from_at,
            to=self.to_at,
        )


class _UnsealedRead(msgspec.Struct, frozen=True):
    run: UUID
    n: int
    at: datetime
    commitment: bytes


class Sealing:
    """crash_at: told "planned", "sealed" and "marked" as each is reached, for crash tests."""

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._crash_at = crash_at

    async def run(self, seconds: float) -> None:
        """Until cancelled. Waits for whatever is away."""
        await every(seconds, self.seal_all, away=AWAY, first_after=seconds)

    async def seal_all(self) -> None:
        """Every read that is in PostgreSQL by now."""
        async with self._pool.connection() as conn:
            found = await (await conn.execute(_TEAMS)).fetchall()
        for (team_id,) in found:
            while await self._seal(team_id):
                pass
        async with self._pool.connection() as conn:
            row = await (await conn.execute(_COUNT)).fetchone()
        UNSEALED.set(row[0] if row else 0)

    async def _seal(self, team_id: int) -> bool:
        """The next seal of the project, one that was begun first; whether there was one."""
        seal = await self._pending(team_id) or await self._plan(team_id)
        if seal is None:
            return False
        self._crash_at("planned")
        promised = PromisedFact(team_id, uuid5(_SEALS, f"{team_id}:{seal.first}"), seal.fact)
        sequence = await keep(self._store, self._pool, promised)
        self._crash_at("sealed")
        async with self._pool.connection() as conn:
            await conn.execute(_DONE, (sequence, team_id, seal.first))
        self._crash_at("marked")
        return True

    async def _pending(self, team_id: int) -> PlannedSeal | None:
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(PlannedSeal))
            await cursor.execute(_PENDING, (team_id,))
            return await cursor.fetchone()

    async def _plan(self, team_id: int) -> PlannedSeal | None:
        async with self._pool.connection() as conn, conn.transaction():
            # Not waited for: who has it gives the numbers, to these reads too.
            locked = await conn.execute(
                "SELECT pg_try_advisory_xact_lock(%s::int, hashint8(%s))", (_LOCK, team_id)
            )
            if not (await locked.fetchone() or (False,))[0]:
                return None
            cursor = conn.cursor(row_factory=args_row(_UnsealedRead))
            reads = await (await cursor.execute(_UNSEALED, (team_id, MOST))).fetchall()
            if not reads:
                return None
            last = await (await conn.execute(_LAST, {"team_id": team_id})).fetchone() or (0,)
            seal = await _over(reads, int(last[0]) + 1)
            numbered = {
                "runs": [read.run for read in reads],
                "ns": [read.n for read in reads],
                "numbers": list(range(seal.first, seal.last + 1)),
            }
            await conn.execute(_NUMBER, numbered)
            values = (seal.first, seal.last, seal.root, seal.from_at, seal.to_at)
            await conn.execute(_PLAN, (team_id, *values))
        return seal


async def _over(reads: list[_UnsealedRead], first: int) -> PlannedSeal:
    leaves = [read.commitment for read in reads]
    few = len(leaves) <= _FEW
    root = root_of(leaves) if few else await asyncio.to_thread(root_of, leaves)
    return PlannedSeal(first, first + len(reads) - 1, root, reads[0].at, reads[-1].at)
