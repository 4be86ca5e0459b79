"""The buckets that this process stores: it takes its share, and lets go what is more than that."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from uuid import uuid4

import psycopg

from services.common.clickhouse import EngineAway
from services.common.postgres.database import CONNECTION_LOST, NOTICED
from services.common.settings import LEASE_SECONDS
from services.common.tasks import every, failure, passing_over, stop, watched
from services.projector.product_events.follower import HELD, ProductEvents
from services.projector.product_events.lease import LOOK_SECONDS
from services.projector.product_events.person_tables import Conn
from services.projector.product_events.shares import Member, Standing


class SharedBuckets:
    """Any number of processes may run one. events: makes the projector of a bucket on its shard;
    raises EngineAway for a shard that this process knows nothing of.

    seconds: that a lease, and a member, lasts without a word.
    """

    def __init__(
        self,
        postgres_url: str,
        events: Callable[[int, int], ProductEvents],
        *,
        prefix: str = "",
        seconds: float = LEASE_SECONDS,
    ) -> None:
        self._postgres_url = postgres_url
        self._events = events
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._member = Member(uuid4(), name, prefix, seconds)
        self._projectors: dict[int, ProductEvents] = {}
        # The last one is the newest.
        self._following: dict[int, asyncio.Task[None]] = {}
        self._stopped: dict[int, str] = {}
        self._nowhere: dict[int, str] = {}
        self._free_since: dict[int, float] = {}
        self._away: str | None = None

    @property
    def held(self) -> tuple[int, ...]:
        """Those that this process stores, the newest last."""
        return tuple(
            bucket for bucket in self._following if self._projectors[bucket].holds_the_lease
        )

    def troubles(self) -> list[str]:
        """Sentences on what is not stored for the moment, or any more."""
        found = [
            f"{_named(bucket)} are not stored any more: {cause}"
            for bucket, cause in self._stopped.items()
        ]
        for bucket, projector in self._projectors.items():
            if projector.waits_for is not None and bucket not in self._stopped:
                found.append(f"{_named(bucket)} wait: {projector.waits_for}")
            if projector.lost > 0:
                found.append(
                    f"the capture stream{_of(bucket)} has lost {projector.lost} messages;"
                    " the log says which"
                )
        found += [f"{_named(bucket)} wait: {cause}" for bucket, cause in self._nowhere.items()]
        long_ago = time.monotonic() - 3 * self._member.seconds
        found += [
            f"nobody stores {_named(bucket)}"
            for bucket, since in self._free_since.items()
            if since < long_ago and bucket not in self._stopped
        ]
        if self._away is not None:
            found.append(f"product events wait: {self._away}")
        return found

    async def run(self) -> None:
        """Until cancelled. A bucket whose server is away is taken again; the others go on."""
        try:
            await every(0, self._share_out, away=CONNECTION_LOST, pause=LOOK_SECONDS)
        finally:
            for following in self._following.values():
                following.cancel()
            for following in self._following.values():
                await stop(following)

    async def _share_out(self) -> None:
        try:
            async with await psycopg.AsyncConnection.connect(
                self._postgres_url, autocommit=True, **NOTICED
            ) as conn:
                try:
                    await self._go_on(conn)
                finally:
                    with passing_over("a projector leaves", *CONNECTION_LOST):
                        await self._member.leave(conn)
        except CONNECTION_LOST as cause:
            self._away = f"{type(cause).__name__}: {cause}"
            raise

    async def _go_on(self, conn: Conn) -> None:
        seconds = self._member.seconds
        beaten = float("-inf")
        while True:
            if time.monotonic() - beaten >= seconds / 3:
                await self._member.beat(conn)
                beaten = time.monotonic()
            standing = await self._member.look(conn)
            self._away = None
            self._settle(standing)
            await asyncio.sleep(min(LOOK_SECONDS, seconds / 5))

    def _settle(self, standing: Standing) -> None:
        """Take what is free and lacks to the share; let the newest go of what is more than that."""
        self._forget_ended()
        self._tell(standing)
        for bucket in standing.shards:
            if len(self._following) >= standing.share:
                break
            if (
                bucket in standing.free
                and bucket not in self._following
                and bucket not in self._stopped
            ):
                self._take(bucket, standing)
        for bucket in list(self._following)[standing.share :]:
            self._projectors[bucket].let_go()

    def _take(self, bucket: int, standing: Standing) -> None:
        if bucket not in self._projectors:
            try:
                self._projectors[bucket] = self._events(bucket, standing.shards[bucket])
            except EngineAway as cause:
                self._nowhere[bucket] = cause.message
                return
        self._nowhere.pop(bucket, None)
        gathers = len(standing.shards) > 1
        holding = self._projectors[bucket].hold(self._member.id, gathers=gathers)
        self._following[bucket] = watched(f"product events{_of(bucket)}", holding)

    def _forget_ended(self) -> None:
        for bucket, following in list(self._following.items()):
            if following.done():
                if (error := failure(following)) is not None:
                    self._stopped[bucket] = str(error) or type(error).__name__
                del self._following[bucket]

    def _tell(self, standing: Standing) -> None:
        now = time.monotonic()
        for bucket in standing.shards:
            HELD.labels(str(bucket))  # 0 where it never was ours: an alert sees that nobody has it
        for bucket, projector in self._projectors.items():
            if bucket not in self._following and bucket not in standing.free:
                projector.stand_by()
            projector.report()
        unheld = standing.free.difference(self._following)
        self._free_since = {bucket: self._free_since.get(bucket, now) for bucket in unheld}


def _named(bucket: int) -> str:
    return f"product events{_of(bucket)}"


def _of(bucket: int) -> str:
    """Nothing for the first one, which is the only one of many deployments."""
    return f" of bucket {bucket}" if bucket else ""
