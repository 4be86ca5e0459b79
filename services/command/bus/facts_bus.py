"""The public stream as the relay, the sweep and the rebuild have it: where it is, what it keeps."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from contracts.subjects import FACTS_STREAM
from services.common.log.store import EventStore
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.stream import KEEP_ALL, Keep, StreamUnavailable

# Errors while a server is away.
AWAY = (
    *(StreamUnavailable, nats.errors.Error, JetStreamError),  # the bus
    *CONNECTION_LOST,  # the log
    *(TimeoutError, OSError),
)

# Advisory locks of these kinds; the second number is made of the stream's name.
REBUILDING = 7_210_336
SWEEPING = 7_210_351
RECOVERING = 7_210_352


class FactsBus(msgspec.Struct, frozen=True, kw_only=True):
    """One public stream and the log that it is made of.

    prefix: before the stream's name and subjects. keep: how much of the log it holds.
    """

    store: EventStore
    pool: Pool
    client: Client
    prefix: str = ""
    replicas: int = 1
    keep: Keep = KEEP_ALL

    @property
    def name(self) -> str:
        return f"{self.prefix}{FACTS_STREAM}"


@contextlib.asynccontextmanager
async def alone(bus: FactsBus, lock: int) -> AsyncIterator[bool]:
    """Whether the block has the lock, as the only one of all processes; nobody waits for it.

    It is the connection's: a process that dies lets it go.
    """
    async with bus.pool.connection() as conn:
        key = {"lock": lock, "name": bus.name}
        cursor = await conn.execute(
            "SELECT pg_try_advisory_lock(%(lock)s, hashtext(%(name)s))", key
        )
        row = await cursor.fetchone()
        ours = row is not None and bool(row[0])
        try:
            yield ours
        finally:
            if ours and not conn.broken:
                await conn.execute("SELECT pg_advisory_unlock(%(lock)s, hashtext(%(name)s))", key)
