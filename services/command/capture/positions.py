"""Progress of captured events on their way to queries: `Ingest-Position` is compared with it."""

import asyncio
import time
from typing import Final, LiteralString

import msgspec
from litestar import HttpMethod, MediaType, Response, route
from litestar.di import NamedDependency

from contracts.ingest_position import IngestPosition, ingest_position_in
from services.command.capture.incoming import query_of
from services.common.http.hang_ups import while_there
from services.common.http.operations import Parameter, shows
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest
from services.common.postgres.database import Pool
from services.common.stream import capture_stream

LONGEST_WAIT_SECONDS: Final = 30.0
_LOOK_EVERY_SECONDS: Final = 0.02


class PositionAnswer(msgspec.Struct, frozen=True):
    """position: all that was captured up to it, in the bucket of the one asked for, is visible.
    reached: whether that includes it.
    """

    position: int | str
    reached: bool


PARAMETERS: Final = (
    Parameter(name="reach", description="The position to wait for.", kind=str),
    Parameter(name="wait", description="How long, in seconds; 30 at most.", kind=float),
)


class IngestProgress:
    """Reads what the projector of product events writes with each batch. prefix: of streams."""

    def __init__(self, pool: Pool, prefix: str = "") -> None:
        self._pool = pool
        self._prefix = prefix

    async def buckets(self) -> list[int]:
        """All there are."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT bucket FROM bucket_shards ORDER BY bucket")
            return [bucket for (bucket,) in await cursor.fetchall()]

    async def position(self, bucket: int) -> IngestPosition:
        """0 when nothing was stored yet."""
        return IngestPosition(bucket, await self._number("reached", bucket))

    async def known(self, bucket: int) -> int:
        """The last sequence that anything was begun with; 0 when nothing was."""
        return await self._number("greatest(reached, batch_last)", bucket)

    async def wait(self, wanted: IngestPosition, seconds: float) -> PositionAnswer:
        """Returns as soon as `wanted` is reached, and no later than `seconds` from now."""
        deadline = time.monotonic() + seconds
        while True:
            position = await self.position(wanted.bucket)
            reached = position.sequence >= wanted.sequence
            if reached or time.monotonic() >= deadline:
                return PositionAnswer(position.told, reached)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _number(self, what: LiteralString, bucket: int) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                f"SELECT {what} FROM ingest_progress WHERE stream = %s",
                (capture_stream(self._prefix, bucket),),
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0


@route(
    "/i/position",
    http_method=[HttpMethod.GET],
    opt={"public": True, **shows(PositionAnswer, *PARAMETERS)},
    status_code=200,
)
async def ingest_position(
    request: AnyRequest, ingest: NamedDependency[IngestProgress]
) -> Response[bytes]:
    """`?reach=N&wait=10`: waits until events up to `Ingest-Position: N` are visible to queries."""
    query = query_of(request)
    wanted = ingest_position_in(query.get("reach", "0"))
    if wanted is None:
        raise invalid("reach", "invalid_input", "A position is what Ingest-Position told.")
    seconds = min(_number(query.get("wait", "0"), "wait"), LONGEST_WAIT_SECONDS)
    answer = await while_there(request, ingest.wait(wanted, seconds))
    return Response(msgspec.json.encode(answer), media_type=MediaType.JSON)


def _number(text: str, attr: str) -> float:
    try:
        number = float(text)
    except ValueError as cause:
        raise invalid(attr, "invalid_input", "A valid number is required.") from cause
    if not 0 <= number < 2**63:
        raise invalid(attr, "invalid_input", "A number from 0 up is required.")
    return number


HANDLERS = [ingest_position]
