"""The position of what was read, and the wait until it is new enough.

Each read's statement also says how far the projections it rests on have come, and which fact of the
log is the last that concerns it. So a write is visible to the very next read at no extra round
trip; if the projector is behind, the read waits for its bell.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, LiteralString, TypeVar

import msgspec

from contracts.read_models.projections import Projection
from services.common.http.problems import unavailable
from services.common.insights.caller_columns import ONE, CallerColumns
from services.common.postgres.bell import Bell
from services.common.tasks import ring_or

T = TypeVar("T")

# A bell that was missed costs this much and no more.
LONGEST_NAP_SECONDS = 0.1
# The same for who waits for what may never come.
LONGEST_WAIT_SECONDS = 1.0


def team_head(asking: CallerColumns) -> LiteralString:
    """SQL: the position of the project's last fact."""
    return (
        f"coalesce((SELECT notification_id FROM log WHERE team_id = {asking.team_id}"
        " ORDER BY team_seq DESC LIMIT 1), 0)"
    )


TEAM_HEAD = team_head(ONE)

REACHED: LiteralString = (
    "(SELECT min(position) FROM checkpoints WHERE projection = ANY(%(projections)s))"
)
"""SQL: the position that all of these projections have reached."""


class ReadPosition(msgspec.Struct, frozen=True):
    """reached: what was read holds all up to here. wanted: the last fact that concerns it.

    state: of the project, see `reads.remembered`; None when the read does not tell, or is behind.
    """

    reached: int
    wanted: int
    state: str | None = None


class Snapshot(msgspec.Struct, Generic[T], frozen=True):
    """The value that one statement read, and the position it was read at."""

    value: T
    standing: ReadPosition


class FreshValue(msgspec.Struct, Generic[T], frozen=True):
    """The value for an answer. position: it holds all up to here. stale: it may lack later facts.

    state: of the project it was read in, see `ReadPosition`.
    """

    value: T
    position: int
    stale: bool
    state: str | None = None


class Freshness:
    """Repeats reads until they are as young as they must be.

    position_seconds, freshness_seconds: see `QuerySettings`.
    """

    def __init__(self, bell: Bell, position_seconds: float, freshness_seconds: float) -> None:
        self._bell = bell
        self._position_seconds = position_seconds
        self._freshness_seconds = freshness_seconds

    async def of(
        self, read: Callable[[], Awaitable[Snapshot[T]]], at_least: int | None
    ) -> FreshValue[T]:
        """The value of `read`, once its position is new enough.

        at_least: the position that the caller has seen. None: the log's last fact of concern when
        the first read looked; what is appended meanwhile does not prolong the wait.
        Raises Rejected 503 when a position that the caller has seen is not reached in time.
        """
        seen = await read()
        standing = seen.standing
        wanted = standing.wanted if at_least is None else at_least
        if standing.reached >= wanted:
            return FreshValue(seen.value, standing.reached, stale=False, state=standing.state)
        patience = self._freshness_seconds if at_least is None else self._position_seconds
        seen = await self._wait(read, wanted, patience)
        reached, state = seen.standing.reached, seen.standing.state
        if reached < wanted and at_least is not None:
            raise unavailable(f"Position {at_least} is not reached yet; this is at {reached}.")
        return FreshValue(seen.value, reached, stale=reached < wanted, state=state)

    async def until(
        self,
        read: Callable[[], Awaitable[Snapshot[T]]],
        enough: Callable[[T], bool],
        seconds: float,
    ) -> FreshValue[T]:
        """The value of `read` as soon as it is enough; the last one, when the time is over."""
        deadline = time.monotonic() + seconds
        with self._bell.listener() as rung:
            while True:
                rung.clear()
                seen = await read()
                left = deadline - time.monotonic()
                if enough(seen.value) or left <= 0:
                    standing = seen.standing
                    stale = standing.reached < standing.wanted
                    return FreshValue(seen.value, standing.reached, stale=stale)
                await ring_or(rung, min(left, LONGEST_WAIT_SECONDS))

    async def _wait(
        self, read: Callable[[], Awaitable[Snapshot[T]]], wanted: int, patience: float
    ) -> Snapshot[T]:
        """Read at every ring, until `wanted` is reached or patience ends; what was read last."""
        deadline = time.monotonic() + patience
        with self._bell.listener() as rung:
            while True:
                rung.clear()
                seen = await read()
                left = deadline - time.monotonic()
                if seen.standing.reached >= wanted or left <= 0:
                    return seen
                await ring_or(rung, min(left, LONGEST_NAP_SECONDS))


def projections(*names: Projection) -> list[str]:
    """The value of `%(projections)s`."""
    return list(names)
