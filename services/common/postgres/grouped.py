"""Reads that wait at the same moment share one statement, each with an answer of its own."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST_AT_ONCE = 128
STATEMENTS_AT_ONCE = 2


async def all_here() -> None:
    """Lets the callers that are here already join a group, and waits for no other.

    In one turn of the loop what lies in the sockets is read, in the next those requests run.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class GroupedLookups(Generic[K, V]):
    """One statement for all callers that wait; it runs as soon as it may, and waits for no more to
    come.

    A statement begins after each of its callers asked, so no answer is older than that of a
    statement of its own. Under load the cost of a round trip is shared; a lone caller pays it
    alone.

    read: the answers, one for each key, in their order.
    """

    def __init__(
        self,
        read: Callable[[Sequence[K]], Awaitable[Sequence[V]]],
        *,
        most: int = MOST_AT_ONCE,
        statements: int = STATEMENTS_AT_ONCE,
    ) -> None:
        self._read = read
        self._most = most
        self._free = statements
        self._waiting: deque[tuple[K, asyncio.Future[V]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V:
        """Raises what the statement that was to answer it raised."""
        answer: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _work(self) -> None:
        """Until no caller waits."""
        try:
            while self._waiting:
                await all_here()
                count = min(len(self._waiting), self._most)
                taken = [self._waiting.popleft() for _ in range(count)]
                await self._answer([each for each in taken if not each[1].done()])
        finally:
            self._free += 1

    async def _answer(self, taken: Sequence[tuple[K, asyncio.Future[V]]]) -> None:
        """Every caller is answered when this returns, or raises."""
        if not taken:
            return
        try:
            found = await self._read([key for key, _ in taken])
        except Exception as cause:
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(cause)
            return
        except asyncio.CancelledError:
            for _, answer in taken:
                answer.cancel()
            raise
        for (_, answer), value in zip(taken, found, strict=True):
            if not answer.done():
                answer.set_result(value)
