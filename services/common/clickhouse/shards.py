"""The shards of product events' database. A project lies whole on one of them: whatever is asked of
it is asked there alone, and no statement spans shards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType

from services.common.clickhouse.address import shards
from services.common.clickhouse.client import ClickHouse
from services.common.clickhouse.errors import EngineAway
from services.common.clickhouse.query_limits import QueryLimits

ShardOf = Callable[[int], Awaitable[int]]
"""The number, from 1, of the shard that a project lies on."""


async def _first(_: int) -> int:
    return 1


class Shards:
    """All of them, in the order of their numbers."""

    def __init__(self, opened: Sequence[ClickHouse], shard_of: ShardOf = _first) -> None:
        self._opened = opened
        self._shard_of = shard_of

    @classmethod
    async def open(
        cls,
        url: str,
        shard_of: ShardOf = _first,
        limits: QueryLimits | None = None,
        *,
        quorum: int | None = None,
        uuid_days: int | None = None,
    ) -> "Shards":
        """url: see `address`; the others: see `ClickHouse.open_shard`. Raises EngineError."""
        async with AsyncExitStack() as opening:
            opened = [
                await opening.enter_async_context(
                    await ClickHouse.open_shard(shard, limits, quorum=quorum, uuid_days=uuid_days)
                )
                for shard in shards(url)
            ]
            opening.pop_all()
        return cls(opened, shard_of)

    async def of(self, team_id: int) -> ClickHouse:
        """The shard of the project."""
        if len(self._opened) == 1:
            return self._opened[0]
        return self.numbered(await self._shard_of(team_id))

    def numbered(self, number: int) -> ClickHouse:
        """number: from 1. Raises EngineAway for one that the URL does not name."""
        if number > len(self._opened):
            raise EngineAway(0, f"shard {number} is not in CLICKHOUSE_URL")
        return self._opened[number - 1]

    async def __aenter__(self) -> "Shards":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(clickhouse.close() for clickhouse in self._opened))
