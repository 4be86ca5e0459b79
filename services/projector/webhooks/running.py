"""All webhooks that no other process delivers: this one takes them, each by its lock, and goes on
as long as the connection lives that holds the locks.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

import psycopg

from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST
from services.common.tasks import every, ring_or, stop, watched
from services.projector.webhooks import metrics
from services.projector.webhooks.deliver import Delivery, Surroundings
from services.projector.webhooks.spool import Moved, Spool, Standing

log = logger("recount.webhooks")

# A ring that was missed, and a lock that another process let go, stay unnoticed for so long.
LOOK_SECONDS = 1.0
# Between two looks at the tables, whatever rings; and while something is on its way to them.
SHORTEST_SECONDS = 0.05
CLEAN_UP_SECONDS = 3600.0
PAUSE_SECONDS = 1.0
BROKEN_SECONDS = 60.0

AWAY = (*CONNECTION_LOST, Moved)


@contextlib.asynccontextmanager
async def locking(url: str) -> AsyncIterator[Spool]:
    """A connection of its own: the locks are its session's."""
    options = "-c timezone=UTC"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as conn:
        yield Spool(conn)


class Webhooks:
    """around: what deliveries share, over the connection that holds the locks."""

    def __init__(self, url: str, around: Callable[[Spool], Surroundings], bell: Bell) -> None:
        self._url = url
        self._around = around
        self._bell = bell

    async def run(self) -> None:
        """Until cancelled. Begins anew when the connection is lost."""
        await every(PAUSE_SECONDS, self._with_locks, away=AWAY)

    async def _with_locks(self) -> None:
        with self._bell.listener() as rung:
            async with locking(self._url) as spool:
                held = HeldWebhooks(self._around(spool), rung)
                try:
                    await self._deliver(held, rung)
                finally:
                    # Before the connection is closed: while we send, nobody else does.
                    await held.close()

    async def _deliver(self, held: "HeldWebhooks", rung: asyncio.Event) -> None:
        clean_up_at = 0.0
        while True:
            rung.clear()
            if time.monotonic() >= clean_up_at:
                await held.clean_up()
                clean_up_at = time.monotonic() + CLEAN_UP_SECONDS
            await held.step()
            await asyncio.sleep(SHORTEST_SECONDS)
            await ring_or(rung, held.seconds_until_next())


class HeldWebhooks:
    """The webhooks whose locks this process holds."""

    def __init__(self, around: Surroundings, rung: asyncio.Event) -> None:
        self._around = around
        self._rung = rung
        self._held: dict[int, Delivery] = {}
        self._broken_until: dict[int, float] = {}
        self._tests: dict[UUID, asyncio.Task[None]] = {}
        self._unsettled = False

    async def step(self) -> None:
        """Take what nobody has, and do everything that can be done now."""
        live = {each.row.webhook_id: each for each in await self._around.spool.live()}
        await self._drop(sorted(self._held.keys() - live.keys()))
        for webhook, standing in live.items():
            if time.monotonic() >= self._broken_until.get(webhook, 0.0):
                await self._step_apart(webhook, standing)
        self._unsettled = any(not each.settled for each in live.values())
        await self._start_tests()
        metrics.pending.set(sum(len(each.lanes) for each in self._held.values()))
        metrics.parked_lanes.set(sum(each.lanes.parked for each in self._held.values()))

    def seconds_until_next(self) -> float:
        """How long nothing is to be done, unless something rings."""
        if self._unsettled:
            return SHORTEST_SECONDS
        times = [at for each in self._held.values() if (at := each.next_at()) is not None]
        return min([LOOK_SECONDS, *(self._seconds(at) for at in times)])

    async def clean_up(self) -> None:
        await self._around.spool.clean_up(self._around.now())

    async def close(self) -> None:
        for task in list(self._tests.values()):
            await stop(task)
        for delivery in self._held.values():
            await delivery.close()
        metrics.pending.set(0)
        metrics.parked_lanes.set(0)

    def _seconds(self, at: datetime) -> float:
        return max((at - self._around.now()).total_seconds(), 0.0)

    async def _step_apart(self, webhook: int, standing: Standing) -> None:
        """A defect that one webhook meets stops that one, for a while."""
        try:
            await self._step(webhook, standing)
        except AWAY:
            raise
        except Exception as cause:
            log.error("webhook_stopped", webhook=webhook, exc_info=cause)
            self._broken_until[webhook] = time.monotonic() + BROKEN_SECONDS
            if (delivery := self._held.pop(webhook, None)) is not None:
                await delivery.close()
            await self._around.spool.unlock(webhook)

    async def _step(self, webhook: int, standing: Standing) -> None:
        delivery = self._held.get(webhook)
        if delivery is None:
            if not await self._around.spool.lock(webhook):
                return
            delivery = await Delivery.of(self._around, standing.row, self._rung)
            self._held[webhook] = delivery
        await delivery.step(standing)

    async def _drop(self, webhooks: list[int]) -> None:
        for webhook in webhooks:
            await self._held.pop(webhook).close()
            await self._around.spool.unlock(webhook)
        if webhooks:
            await self._around.spool.forget(webhooks)

    async def _start_tests(self) -> None:
        for test, task in list(self._tests.items()):
            if task.done():
                del self._tests[test]
        for test, webhook in await self._around.spool.tests() if self._held else ():
            delivery = self._held.get(webhook)
            if delivery is not None and test not in self._tests:
                self._tests[test] = watched(f"webhook test {webhook}", delivery.test(test))
