"""The pool of PostgreSQL connections that a service reads and writes its tables with."""

from collections.abc import Mapping

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

# The errors when PostgreSQL is away, or has no connection left; the statement may be right.
CONNECTION_LOST = (OperationalError, InterfaceError)

# Enough for every read under way on two cores; PostgreSQL's default allows a hundred in all.
POOL_SIZE = 10
# A request that gets no connection in that time gets a 503.
PATIENCE_SECONDS = 10.0


def pool(
    url: str,
    *,
    size: int = POOL_SIZE,
    name: str = "recount",
    options: Mapping[str, str] | None = None,
) -> Pool:
    """A pool that is not open yet: `async with pool(url) as connections`.

    options: PostgreSQL's settings for every session, besides the time zone, which is UTC.
    """
    chosen = {"timezone": "UTC", **(options or {})}
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=PATIENCE_SECONDS,
        open=False,
        name=name,
        kwargs={
            "autocommit": True,
            "options": " ".join(f"-c {setting}={value}" for setting, value in chosen.items()),
        },
    )
