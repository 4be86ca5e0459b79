"""Runs the workloads in a thread of their own, so that faults are made by the main thread.

(Servers that are to end with this process have to be started by its main thread.)
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from tests.faults import observed
from tests.faults.capturing import Captures, Funnels, Visible
from tests.faults.clients import Client
from tests.faults.cluster import Cluster
from tests.faults.observed import Follower, Observed
from tests.faults.operations import PROMISES, Gaps, Promise
from tests.faults.workloads import (
    Creations,
    Histories,
    OwnWrites,
    Plan,
    Rebuilds,
    Registers,
    Views,
    Workload,
    created,
)
from tests.waiting import seen, until

T = TypeVar("T")


class Driven:
    """The workloads of one run. done: what they did; gaps: when which promise was kept.

    since: the log's head before it.
    """

    def __init__(self, cluster: Cluster, seed: int, plan: Plan, since: int) -> None:
        self.done = Histories()
        self.gaps = Gaps()
        self.begun = time.monotonic()
        self._cluster = cluster
        self._seed = seed
        self._since = since
        self._plan = plan
        self._follower = Follower(cluster.nats.url, since, self.gaps)
        self._clients: list[Client] = []
        self._workloads: list[Workload] = []
        self._enough = asyncio.Event()
        self._go = asyncio.Event()
        self._go.set()
        self._active = 0
        self._running: asyncio.Future[Any] | None = None
        self._following: asyncio.Task[None] | None = None
        self._pauses: dict[Workload, Client] = {}

    def _client(self, name: str) -> Client:
        client = Client(self._cluster.url, self._cluster.key, self.gaps, self._seed, name)
        self._clients.append(client)
        return client

    async def begin(self) -> None:
        """Makes the insights, then starts everybody."""
        plan, done = self._plan, self.done
        first = self._client(f"{self._since} first")
        shared = [await created(first) for _ in range(plan.insights)]
        for number in range(plan.registers):
            client = self._client(f"{self._since} register {number}")
            self._add(client, Registers(client, shared, done))
        for number in range(plan.creations):
            client = self._client(f"{self._since} creation {number}")
            self._add(client, Creations(client, done))
        for number in range(plan.views):
            client = self._client(f"{self._since} view {number}")
            self._add(client, Views(client, shared, done))
        for number in range(plan.own_writes):
            client = self._client(f"{self._since} own {number}")
            self._add(client, OwnWrites(client, await created(client), done))
        for number in range(plan.rebuilds):
            self._add(
                self._client(f"{self._since} rebuild {number}"),
                Rebuilds(self._cluster.database.url, done),
            )
        if self._cluster.events is not None:
            self._add_events(self._cluster.events.token)
        self._following = asyncio.create_task(self._follower.run())
        self._running = asyncio.gather(*map(self._work, self._workloads))

    def _add_events(self, token: str) -> None:
        plan, done = self._plan, self.done.events
        for number in range(plan.captures):
            client = self._client(f"{self._since} capture {number}")
            self._add(client, Captures(client, token, done))
        for number in range(plan.funnels):
            client = self._client(f"{self._since} funnel {number}")
            self._add(client, Funnels(client, token, done))
        if plan.captures:
            client = self._client(f"{self._since} visible")
            self._add(client, Visible(client, done))

    def _add(self, client: Client, workload: Workload) -> None:
        self._workloads.append(workload)
        self._pauses[workload] = client

    async def _work(self, workload: Workload) -> None:
        while not self._enough.is_set():
            await self._go.wait()
            self._active += 1
            await workload.step()
            self._active -= 1
            await self._pauses[workload].pause()

    @property
    def url(self) -> str:
        """Of PostgreSQL."""
        return self._cluster.database.url

    def followed(self) -> int:
        """The last position that the subscriber has."""
        return self._since + len(self._follower.hashes)

    async def pause(self) -> None:
        """Returns when nobody is at work."""
        self._go.clear()
        await seen(self._at_work, lambda active: active == 0)

    async def _at_work(self) -> int:
        return self._active

    async def resume(self) -> None:
        self._go.set()

    def operations(self) -> int:
        """Writes that were answered or given up."""
        return len(self.done.outcomes())

    async def finish(self) -> Observed:
        """Everybody ends what it has begun, and asks once more for what it can."""
        self._enough.set()
        self._go.set()
        assert self._running is not None
        assert self._following is not None
        await self._running
        # In turn: what is seen of captured events is asked when all were taken.
        for workload in self._workloads:
            await workload.settle()
        try:
            return await observed.observed(self._cluster, self._follower, self._since)
        finally:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
            for client in self._clients:
                await client.close()


def _kept_again(gaps: Gaps, promise: Promise, times: int) -> bool:
    return gaps.count(promise) > times


class Driver:
    """A Driven in a thread with a loop of its own."""

    def __init__(self, driven: Driven, loop: asyncio.AbstractEventLoop) -> None:
        self.driven = driven
        self._loop = loop

    def call(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(300)

    def work(self, operations: int, seconds: float = 0.0) -> None:
        """Returns when so many more writes have an outcome, and so many seconds have passed."""
        goal = self.driven.operations() + operations
        until(lambda: self.driven.operations() >= goal, f"{operations} writes were tried", 240)
        time.sleep(seconds)

    def well(self) -> None:
        """Returns when every promise is kept again that was kept before."""
        gaps = self.driven.gaps
        before = {promise: gaps.count(promise) for promise in PROMISES if gaps.count(promise)}
        for promise, times in before.items():
            what = f"{promise}: kept again"
            until(partial(_kept_again, gaps, promise, times), what, 240)

    def pause(self) -> None:
        """Returns when nobody is at work; all wait for `resume`."""
        self.call(self.driven.pause())

    def resume(self) -> None:
        self.call(self.driven.resume())

    def head(self) -> int:
        """The log's last position."""
        return asyncio.run(observed.head(self.driven.url))

    def is_published(self) -> bool:
        """Whether the subscriber has the whole log."""
        return self.driven.followed() >= self.head()

    def finish(self) -> Observed:
        return self.call(self.driven.finish())


@contextmanager
def driving(cluster: Cluster, seed: int, plan: Plan | None = None) -> Iterator[Driver]:
    """The workloads run while the block does, or until `finish`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="workloads", daemon=True)
    thread.start()
    try:
        since = asyncio.run(observed.head(cluster.database.url))
        driver = Driver(Driven(cluster, seed, plan or Plan(), since), loop)
        driver.call(driver.driven.begin())
        yield driver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=30))
    loop.close()
