"""Progress of captured events on their way to queries: `Ingest-Position` is compared with it."""

import asyncio
import time
from typing import Final

import msgspec
from litestar import HttpMethod, MediaType, Response, route
from litestar.di import NamedDependency

from services.command.capture.incoming import query_of
from services.common.http.hang_ups import while_there
from services.common.http.operations import Parameter, shows
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest
from services.common.postgres.database import Pool

LONGEST_WAIT_SECONDS: Final = 30.0
_LOOK_EVERY_SECONDS: Final = 0.02


class PositionAnswer(msgspec.Struct, frozen=True):
    """position: all that was captured up to it is visible. reached: whether that includes the one
    asked for.
    """

    position: int
    reached: bool


PARAMETERS: Final = (
    Parameter(name="reach", description="The position to wait for.", kind=int),
    Parameter(name="wait", description="How long, in seconds; 30 at most.", kind=float),
)


class IngestProgress:
    """Reads what the projector of product events writes with each batch."""

    def __init__(self, pool: Pool, stream: str) -> None:
        self._pool = pool
        self._stream = stream

    async def position(self) -> int:
        """0 when nothing was stored yet."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT reached FROM ingest_progress WHERE stream = %s", (self._stream,)
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def known(self) -> int:
        """The last sequence that anything was begun with; 0 when nothing was."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT greatest(reached, batch_last) FROM ingest_progress WHERE stream = %s",
                (self._stream,),
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def wait(self, wanted: int, seconds: float) -> PositionAnswer:
        """Returns as soon as `wanted` is reached, and no later than `seconds` from now."""
        deadline = time.monotonic() + seconds
        while True:
            position = await self.position()
            if position >= wanted or time.monotonic() >= deadline:
                return PositionAnswer(position, position >= wanted)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)


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
    wanted = _number(query.get("reach", "0"), "reach")
    seconds = min(_number(query.get("wait", "0"), "wait"), LONGEST_WAIT_SECONDS)
    answer = await while_there(request, ingest.wait(int(wanted), seconds))
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
