"""The lease of a capture stream: one process at a time stores its messages; a frozen one loses it.

An advisory lock excludes the others. Its session outlives a process that is frozen, so a holder
says in time that it lives; whoever waits ends the session of one that has not. Such a holder, when
it thaws, commits nothing more: its session is gone and its epoch is not the newest, and it begins
no insert when it has not renewed the lease in time itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import UUID

import msgspec
import psycopg
from prometheus_client import Counter

from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST, NOTICED
from services.common.settings import LEASE_SECONDS
from services.common.tasks import background, every
from services.projector.product_events.person_tables import Conn

log = logger("recount.product_events")

# Advisory locks of this kind; the second number is made of the stream's name.
LEASE = 7_210_335
LOOK_SECONDS = 0.5
_MOMENT_SECONDS = 0.1

TAKEN = Counter("recount_ingest_lease_taken", "Leases taken, by how.", ["reason"])

_TRY: LiteralString = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_TAKE: LiteralString = """
    INSERT INTO ingest_leases (stream, epoch, backend_pid, until, holder)
    VALUES (
        %(stream)s, 1, pg_backend_pid(), now() + make_interval(secs => %(seconds)s), %(holder)s
    )
    ON CONFLICT (stream) DO UPDATE SET epoch = ingest_leases.epoch + 1,
        backend_pid = excluded.backend_pid, until = excluded.until, holder = excluded.holder
    RETURNING epoch"""
_RENEW: LiteralString = """
    UPDATE ingest_leases SET until = now() + make_interval(secs => %(seconds)s)
    WHERE stream = %(stream)s AND epoch = %(epoch)s"""
# Only a session that holds this very lock: its number may be somebody else's by now.
_END_SILENT: LiteralString = """
    SELECT pg_terminate_backend(lease.backend_pid)
    FROM ingest_leases AS lease
    JOIN pg_locks AS held ON held.pid = lease.backend_pid
        AND held.locktype = 'advisory' AND held.granted
        AND held.classid = %(kind)s::bigint::oid AND held.objsubid = 2
        AND held.objid::bigint = hashtext(%(stream)s)::bigint & 4294967295
    WHERE lease.stream = %(stream)s AND lease.until < now()"""


class LeaseLost(Exception):
    """Another process may store this stream's messages by now."""


class LeaseTaken(Exception):
    """Another process holds it, and lives."""


class Lease:
    """Held on `conn`, by the number `epoch`."""

    def __init__(self, conn: Conn, stream: str, epoch: int, seconds: float) -> None:
        self.conn = conn
        self.stream = stream
        self.epoch = epoch
        self._seconds = seconds
        self._renewed = _now()

    def check(self) -> None:
        """Before anything that no transaction takes back. Raises LeaseLost."""
        if _now() - self._renewed > self._seconds:
            raise LeaseLost(f"not renewed for {self._seconds:g} s")

    async def renewing(self, url: str) -> None:
        """Until cancelled, on a connection of its own."""
        await every(self._seconds / 3, lambda: self._renew(url), away=CONNECTION_LOST)

    async def _renew(self, url: str) -> None:
        values = {"stream": self.stream, "epoch": self.epoch, "seconds": self._seconds}
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, **NOTICED) as conn:
            while True:
                asked = _now()
                if (await conn.execute(_RENEW, values)).rowcount == 0:
                    return  # another one's: `check` and the epoch tell
                self._renewed = asked
                await asyncio.sleep(self._seconds / 3)


class LeaseTerms(msgspec.Struct, frozen=True):
    """seconds: that it lasts without being renewed. holder: of projector_members. waits: for its
    turn; else LeaseTaken is raised where another process has it.
    """

    seconds: float = LEASE_SECONDS
    holder: UUID | None = None
    waits: bool = True


WAITING = LeaseTerms()


@asynccontextmanager
async def lease(
    url: str, stream: str, on_taken: Callable[[], None], terms: LeaseTerms = WAITING
) -> AsyncIterator[Lease]:
    """The lease of the stream, while the block runs. on_taken: called when another process has it.

    Raises LeaseTaken.
    """
    seconds = terms.seconds
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **NOTICED) as conn:
        reason = await _wait(conn, stream, on_taken, terms)
        asked = {"stream": stream, "seconds": seconds, "holder": terms.holder}
        cursor = await conn.execute(_TAKE, asked)
        row = await cursor.fetchone()
        assert row is not None
        TAKEN.labels(reason).inc()
        held = Lease(conn, stream, row[0], seconds)
        async with background(f"lease {stream}", held.renewing(url)):
            yield held


async def _wait(conn: Conn, stream: str, on_taken: Callable[[], None], terms: LeaseTerms) -> str:
    """Returns with the lock: free | left | silent, by what became of the holder before."""
    if await _try(conn, stream):
        return "free"
    # A session that was just closed, our own perhaps, keeps its lock for a moment.
    await asyncio.sleep(_MOMENT_SECONDS)
    reason = "left"
    while not await _try(conn, stream):
        on_taken()
        ended = await conn.execute(_END_SILENT, {"kind": LEASE, "stream": stream})
        if await ended.fetchone() is not None:
            log.warning("lease_ended", stream=stream)
            reason = "silent"
        elif not terms.waits:
            raise LeaseTaken
        await asyncio.sleep(min(LOOK_SECONDS, terms.seconds / 5))
    return reason


async def _try(conn: Conn, stream: str) -> bool:
    cursor = await conn.execute(_TRY, (LEASE, stream))
    return await cursor.fetchone() == (True,)


def _now() -> float:
    """Seconds, counted on while the process, or the machine, sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
