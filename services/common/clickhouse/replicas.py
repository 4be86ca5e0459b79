"""The replicas of one shard as one engine: one is preferred, and left for a while when it fails."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from services.common.clickhouse.engine import Engine, QueryAnswer, Settings
from services.common.clickhouse.errors import EngineAway, EngineError
from services.common.clickhouse.metrics import REPLICA_UP, SWITCHES
from services.common.logs import logger
from services.common.tasks import describe, passing_over, stop

log = logger("recount.clickhouse")

LEFT_SECONDS = 10.0
_KILL_SECONDS = 1.0


class Replicas:
    """An engine over others that show the same rows.

    A query that was under way on one that failed is asked of the next, once; a write is not: who
    wrote repeats it with the token that it had.

    shard: its number. preferred: the index of the one that is asked while it is well; by default
    processes spread.
    left_seconds: how long one that failed is not asked, while another is well.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        shard: int = 1,
        preferred: int | None = None,
        left_seconds: float = LEFT_SECONDS,
    ) -> None:
        count = len(engines)
        first = (os.getpid() if preferred is None else preferred) % count
        places = [(first + index) % count for index in range(count)]
        self._engines = [engines[place] for place in places]
        self._names = [(str(shard), str(place + 1)) for place in places]
        for name in self._names:
            REPLICA_UP.labels(*name).set(1)
        self._left_until = [0.0] * count
        self._left_seconds = left_seconds
        self._where: dict[str, tuple[int, str]] = {}
        self._killing: set[asyncio.Task[None]] = set()
        self._awaiting: dict[int, asyncio.Task[None]] = {}

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> QueryAnswer:
        first = self._well()
        try:
            with self._running(query_id, first, query_id) as engine:
                return await engine.query(text, parameters, query_id, settings)
        except EngineAway as away:
            self._leave(first, away)
            second = self._well()
            if second == first:
                raise
        # It may run on: nobody would wait for it.
        self._kill_apart(first, query_id)
        name = _again(query_id)
        try:
            with self._running(query_id, second, name) as engine:
                return await engine.query(text, parameters, name, settings)
        except EngineAway as away:
            self._leave(second, away)
            raise

    async def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Settings,
    ) -> None:
        with self._leaving() as engine:
            await engine.insert(table, names, types, columns, settings)

    async def command(
        self, text: str, parameters: Mapping[str, object], settings: Settings
    ) -> None:
        with self._leaving() as engine:
            await engine.command(text, parameters, settings)

    async def kill(self, query_id: str) -> None:
        """On the replica that runs it; on all, if it was sent by another process."""
        if (running := self._where.get(query_id)) is not None:
            index, name = running
            await self._engines[index].kill(name)
            return
        names = (query_id, _again(query_id))
        asked = [engine.kill(name) for engine in self._engines for name in names]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refusals = [each for each in outcomes if isinstance(each, BaseException)]
        if len(refusals) == len(outcomes):
            raise refusals[0]

    async def close(self) -> None:
        await asyncio.gather(*(stop(task) for task in self._awaiting.values()))
        if self._killing:
            await asyncio.wait(self._killing)
        for engine in self._engines:
            await engine.close()

    @contextmanager
    def _running(self, query_id: str, index: int, name: str) -> Iterator[Engine]:
        self._where[query_id] = (index, name)
        try:
            yield self._engines[index]
        finally:
            del self._where[query_id]

    @contextmanager
    def _leaving(self) -> Iterator[Engine]:
        """The replica to write to; it is left when it fails."""
        index = self._well()
        try:
            yield self._engines[index]
        except EngineAway as away:
            self._leave(index, away)
            raise

    def _well(self) -> int:
        """The first that is not left; with all of them left, the one that was left first."""
        now = time.monotonic()
        for index, until in enumerate(self._left_until):
            if until <= now:
                return index
        return self._left_until.index(min(self._left_until))

    def _leave(self, index: int, away: EngineAway) -> None:
        if self._left_until[index] <= time.monotonic():
            shard, replica = self._names[index]
            log.warning("replica_left", shard=shard, replica=replica, cause=away.message)
            SWITCHES.labels(shard, replica).inc()
        self._left_until[index] = time.monotonic() + self._left_seconds
        if index not in self._awaiting:
            REPLICA_UP.labels(*self._names[index]).set(0)
            self._awaiting[index] = asyncio.create_task(self._until_up(index), name="replica up")

    async def _until_up(self, index: int) -> None:
        """Asks it now and then: one that nobody prefers may be asked nothing else."""
        while True:
            await asyncio.sleep(self._left_seconds)
            with passing_over("a replica that was left", EngineError):
                await self._engines[index].query("SELECT 1", {}, uuid4().hex, {})
                break
        REPLICA_UP.labels(*self._names[index]).set(1)
        del self._awaiting[index]

    def _kill_apart(self, index: int, query_id: str) -> None:
        """In a task of its own: a replica that does not answer must hold up nobody."""
        killing = asyncio.create_task(self._kill_soon(index, query_id), name=f"kill {query_id}")
        self._killing.add(killing)
        killing.add_done_callback(self._killing.discard)

    async def _kill_soon(self, index: int, query_id: str) -> None:
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                await self._engines[index].kill(query_id)
        except (EngineError, TimeoutError) as cause:
            # It ends by its own limits.
            log.warning("query_not_killed", query=query_id, cause=describe(cause))


def _again(query_id: str) -> str:
    """Its second name: a server takes a name of a query that it runs for a mistake."""
    return f"{query_id}/again"
