"""The pool of PostgreSQL connections that a service reads and writes its tables with."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.common.postgres.pool_metrics import watch

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

# The errors when PostgreSQL is away, or has no connection left; the statement may be right.
CONNECTION_LOST = (OperationalError, InterfaceError)

# Enough for every read under way on two cores; PostgreSQL's default allows a hundred in all.
POOL_SIZE = 10
# A request that gets no connection in that time gets a 503.
PATIENCE_SECONDS = 10.0
# After so long without a connection the pool stops trying by itself, and tries whenever somebody
# asks: by itself it would wait twice as long each time, and be away long after PostgreSQL is back.
RECONNECT_SECONDS = 5.0

# A peer that has vanished without a word is noticed while its callers still wait.
NOTICED: Mapping[str, Any] = {
    # By which `services.common.postgres.releases` tells our sessions from those of older releases.
    "fallback_application_name": "recount",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}


def pool(
    url: str,
    *,
    size: int = POOL_SIZE,
    name: str = "recount",
    options: Mapping[str, str] | None = None,
    on_connection: Callable[[AsyncConnection[TupleRow]], Awaitable[None]] | None = None,
) -> Pool:
    """A pool that is not open yet: `async with pool(url) as connections`.

    options: PostgreSQL's settings for every session, besides the time zone, which is UTC.
    on_connection: what is done with each new one before anybody gets it.
    """
    chosen = {"timezone": "UTC", **(options or {})}
    made: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=PATIENCE_SECONDS,
        open=False,
        name=name,
        configure=on_connection,
        reconnect_timeout=RECONNECT_SECONDS,
        kwargs={
            **NOTICED,
            "autocommit": True,
            "options": " ".join(f"-c {setting}={value}" for setting, value in chosen.items()),
        },
    )
    watch(made)
    return made
