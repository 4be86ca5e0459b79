"""All streams of this process: who may open one, how many, and when they have to end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import msgspec

from contracts.chain import Link
from contracts.cloud_events import event_source
from contracts.fact_filters import EntryFilter
from services.common.http.problems import Problem, Rejected
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.postgres.installation import installation
from services.common.tasks import background, every
from services.query.streams import metrics
from services.query.streams.connection import Connection, EventStream, Times, Wire
from services.query.streams.feed import Feed
from services.query.streams.follower import BufferLimits, Door, Follower
from services.query.streams.server_sent import ServerSent

# An account that changes is noticed in that time; one that could not be asked for, a little later.
CHECK_SECONDS = 0.25
RETRY_SECONDS = 10


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Open connections, of each project and of all; what may wait for each. audits_per_project: of
    those that follow the audit.
    """

    per_project: int = 20
    audits_per_project: int = 4
    per_process: int = 500
    buffer: BufferLimits = BufferLimits()
    times: Times = Times()


class Streams:
    """Open them with `Streams.open`."""

    def __init__(self, pool: Pool, installation: UUID, feed: Feed, limits: StreamLimits) -> None:
        self.pool = pool
        self.installation = installation
        self.feed = feed
        self._limits = limits
        self._rights: dict[Follower, Callable[[], Awaitable[bool]]] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        pool: Pool,
        bell: Bell,
        limits: StreamLimits,
        edition: Callable[[], int],
        stopping: asyncio.Event,
    ) -> AsyncIterator["Streams"]:
        """bell: of the log. edition: of the accounts: what it was before, nobody's rights moved.

        stopping: set when the process is to end: streams have to do so first.
        """
        with bell.listener() as rung:
            feed = Feed(pool, await installation(pool), rung)
            streams = cls(pool, feed.installation, feed, limits)
            async with (
                background("streams", feed.run()),
                background("streams: rights", streams._watch_rights(edition)),
                background("streams: end", _close(feed, stopping)),
            ):
                try:
                    yield streams
                finally:
                    feed.close()

    def follow(
        self,
        team_id: int,
        wanted: EntryFilter,
        after: Link,
        may: Callable[[], Awaitable[bool]],
        *,
        wire: Wire | None = None,
        door: Door = "facts",
    ) -> EventStream:
        """may: whether its reader still may. wire: server-sent events unless given.

        Raises Rejected 429 where there are too many already, 503 when the process is about to end.
        """
        if self.feed.closed:
            raise _refused(503, "server_error", "unavailable", "The server is about to stop.", 1)
        self._refuse_too_many(team_id, door)
        follower = Follower(team_id, wanted, after, self._limits.buffer, door)
        opened = contextlib.ExitStack()
        opened.enter_context(self.feed.following(follower))
        self._rights[follower] = may
        opened.callback(self._rights.pop, follower)
        opened.enter_context(metrics.CONNECTIONS.track_inprogress())
        wire = wire or ServerSent(event_source(self.installation, team_id))
        connection = Connection(self.pool, self.feed, follower, wire, self._limits.times)
        return EventStream(connection, opened.close)

    def _refuse_too_many(self, team_id: int, door: Door) -> None:
        of_door = self._limits.per_project
        if door == "audit":
            of_door = self._limits.audits_per_project
        for limit, count, whose in (
            (self._limits.per_process, len(self._rights), "This server"),
            (of_door, self.feed.count(team_id, door), "The project"),
        ):
            if count >= limit:
                raise _refused(
                    429,
                    "throttled_error",
                    "too_many_streams",
                    f"{whose} has {limit} open streams, and no more.",
                    RETRY_SECONDS,
                )

    async def _watch_rights(self, edition: Callable[[], int]) -> None:
        """Ends the streams of those who may not read any more; until cancelled."""
        known = edition()
        quiet = 0

        async def look() -> None:
            nonlocal known, quiet
            quiet += 1
            if (now := edition()) == known and quiet < _LOOK_AT_LEAST:
                return
            for follower, may in list(self._rights.items()):
                if not await may():
                    follower.end("key_revoked")
            known, quiet = now, 0

        await every(CHECK_SECONDS, look, away=CONNECTION_LOST)


# Where no bell tells of changes, accounts are read again after some seconds.
_LOOK_AT_LEAST = 20


async def _close(feed: Feed, stopping: asyncio.Event) -> None:
    await stopping.wait()
    feed.close()


def _refused(status: int, kind: str, code: str, detail: str, seconds: int) -> Rejected:
    return Rejected(
        status,
        Problem(type=kind, code=code, detail=detail),
        headers={"Retry-After": str(seconds)},
    )
