"""The checkpoints of projections, and the streams that they had to leave behind."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import args_row

from contracts.read_models.projections import PROJECTED_CHANNEL, Projection

Connection = AsyncConnection[tuple[Any, ...]]


class ParkedStream(msgspec.Struct, frozen=True):
    """position: of the fact that could not be applied; name: its stored name."""

    projection: str
    stream_id: UUID
    team_id: int
    position: int
    name: str
    reason: str


async def reached(conn: Connection, projection: Projection) -> int:
    """The position of the last fact that the projection's rows contain; 0 before the first."""
    cursor = await conn.execute(
        "SELECT position FROM checkpoints WHERE projection = %s", (projection,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"projection {projection!r} has no checkpoint")
    return int(row[0])


async def advance(
    conn: Connection, projection: Projection, before: int, after: int
) -> AsyncCursor[tuple[Any, ...]]:
    """Move the checkpoint from `before`; gives no row when it does not stand there (any more).

    To be called first in the transaction that writes the rows: the checkpoint's row lock then makes
    a second projector wait, and find that the batch is done. So each fact is applied once, however
    many processes project and however often a fact is read.
    """
    return await conn.execute(
        "UPDATE checkpoints SET position = %(after)s"
        " WHERE projection = %(projection)s AND position = %(before)s RETURNING position",
        {"projection": projection, "before": before, "after": after},
    )


async def replaced(conn: Connection, projection: Projection) -> None:
    """Rows that were there before are others now: what was counted of them counts no more."""
    await conn.execute(
        "UPDATE checkpoints SET rebuilds = rebuilds + 1 WHERE projection = %s", (projection,)
    )


async def ring(conn: Connection, projection: Projection) -> None:
    """Tell those who wait for this projection, once the transaction commits."""
    await conn.execute("SELECT pg_notify(%s, %s)", (PROJECTED_CHANNEL, projection))


async def parked_among(
    conn: Connection, projection: Projection, streams: Iterable[UUID]
) -> AsyncCursor[tuple[UUID]]:
    """The ids of those of these streams that the projection no longer follows."""
    return await conn.execute(
        "SELECT stream_id FROM parked_streams"
        " WHERE projection = %(projection)s AND stream_id = ANY(%(streams)s)",
        {"projection": projection, "streams": list(streams)},
    )


async def park(conn: Connection, streams: Sequence[ParkedStream]) -> None:
    """Leave these streams behind, each at its first fact that could not be applied."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO parked_streams (projection, stream_id, team_id, position, name, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (projection, stream_id) DO NOTHING",
            [msgspec.structs.astuple(stream) for stream in streams],
        )


async def unpark(conn: Connection, projection: Projection, streams: Iterable[UUID]) -> None:
    """These streams are about to be folded again from their first fact on."""
    await conn.execute(
        "DELETE FROM parked_streams"
        " WHERE projection = %(projection)s AND stream_id = ANY(%(streams)s)",
        {"projection": projection, "streams": list(streams)},
    )


async def parked(conn: Connection) -> list[ParkedStream]:
    """Every stream that any projection left behind, oldest fact first."""
    cursor = conn.cursor(row_factory=args_row(ParkedStream))
    await cursor.execute(
        "SELECT projection, stream_id, team_id, position, name, reason FROM parked_streams"
        " ORDER BY position, projection"
    )
    return await cursor.fetchall()
