"""Takes up parked streams again: those of whose facts this version can make rows."""

from collections.abc import Callable
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import args_row

from services.common.tasks import pass_over
from services.projector import checkpoint
from services.projector.batch import REFUSED, apply_in
from services.projector.checkpoint import Connection, ParkedStream
from services.projector.projection import ErasedFrom, Projection

_OF_PROJECTION: LiteralString = """
    SELECT projection, stream_id, team_id, position, name, reason FROM parked_streams
    WHERE projection = %s ORDER BY position"""
_PLACE: LiteralString = """
    SELECT team_id, originator_id, coalesce(subject, subject_of_before(originator_id), ''),
        split_part(topic, '.', 1)
    FROM log WHERE originator_id = %s ORDER BY originator_version LIMIT 1"""
# Whoever projects waits meanwhile.
_HELD: LiteralString = "SELECT position FROM checkpoints WHERE projection = %s FOR UPDATE"


class Unparked(msgspec.Struct, frozen=True, kw_only=True):
    """Of a projection: the streams that it follows again, and those that it still can't."""

    projection: str
    taken_up: int
    parked: tuple[ParkedStream, ...]


async def unpark(
    url: str, projection: Projection[Any], crash_at: Callable[[str], None] = lambda point: None
) -> Unparked:
    """Each stream in a transaction of its own, beside the projectors that run: its rows are folded
    from its first fact to where the others stand, and the projectors go on from there.

    crash_at: told "held" and "written", of each stream.
    """
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        before = await _parked(conn, projection)
        for stream in before:
            await _take_up(conn, projection, stream, crash_at)
        left = await _parked(conn, projection)
    still = {stream.stream_id for stream in left}
    taken = [stream for stream in before if stream.stream_id not in still]
    return Unparked(projection=projection.name, taken_up=len(taken), parked=tuple(left))


async def _parked(conn: Connection, projection: Projection[Any]) -> list[ParkedStream]:
    async with conn.cursor(row_factory=args_row(ParkedStream)) as cursor:
        await cursor.execute(_OF_PROJECTION, (projection.name,))
        return await cursor.fetchall()


async def _take_up(
    conn: Connection,
    projection: Projection[Any],
    stream: ParkedStream,
    crash_at: Callable[[str], None],
) -> None:
    """Or nothing, where the database refuses its rows."""
    try:
        async with conn.transaction():
            held = await conn.execute(_HELD, (projection.name,))
            (position,) = await held.fetchone() or (0,)
            crash_at("held")
            async with conn.cursor(row_factory=args_row(ErasedFrom)) as cursor:
                await cursor.execute(_PLACE, (stream.stream_id,))
                places = await cursor.fetchall()
            again = await projection.forget(conn, places, position)
            await checkpoint.unpark(conn, projection.name, [stream.stream_id])
            await apply_in(conn, projection, again)
            await checkpoint.replaced(conn, projection.name)
            await checkpoint.ring(conn, projection.name)
            crash_at("written")
    except REFUSED as refused:
        # As it was.
        pass_over("unpark: rows", refused)
