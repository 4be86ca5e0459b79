"""From the log to the public stream: every entry once, in log order, its sequence its position.

The stream is its own mark of how far it got. Each publication says which sequence it follows, so
JetStream refuses a repeat and a gap alike: several relays at once are as good as one.

What the stream says of itself is held against the log at the start, whenever nothing waits, and
at least once in so many seconds. Where it has lost messages or holds other ones, it is made anew.
Where it holds entries that the log has lost, the relay stops, until a person says `recount stream
reset`. Where another PostgreSQL has taken over, the log is first held against the stream, and put
right by it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import assert_never

from nats.aio.client import Client

from services.command.bus import rows
from services.command.bus.facts_bus import AWAY, FactsBus
from services.command.bus.inspection import Damaged, Missing, OtherHistory, Whole, inspect
from services.command.bus.publisher import Publisher
from services.command.bus.rebuilding import rebuild, remember
from services.command.bus.recovering import recover
from services.command.bus.sweeping import Sweep
from services.common.log.store import EventStore
from services.common.log.timeline import log_timeline
from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool
from services.common.stream import (
    ELSEWHERE,
    FACTS_DEFAULTS,
    FactsOptions,
    Outage,
    PublishRefused,
    limit_facts_stream,
)
from services.common.tasks import background, describe, every, failure, ring_or

log = logger("recount.relay")

# A lost ring, or a lost stream, stays unnoticed for so long.
POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.2
LOOK_SECONDS = 60.0
# Until a relay that has stopped looks whether somebody has decided.
STOPPED_SECONDS = 2.0


class Relay:
    """Publishes what the log holds beyond the stream's last sequence.

    stopped: why it publishes nothing until a person decides; None: it publishes.
    holes: positions that are missing on the stream, or hold something else, and are not repaired.
    crash_at: told each point as it is reached, for crash tests.
    """

    def __init__(
        self,
        bus: FactsBus,
        rung: asyncio.Event,
        *,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.stopped: str | None = None
        self.holes = 0
        self._bus = bus
        self._publisher = Publisher(bus, crash_at)
        self._rung = rung
        self._crash_at = crash_at
        self._is_whole = False
        self._is_limited = False
        self._look_now = asyncio.Event()
        self._remembered_at = float("-inf")

    @property
    def published(self) -> int:
        """The stream's last sequence, as far as this relay knows."""
        return self._publisher.published

    @property
    def outage(self) -> Outage:
        """Whether the stream takes what is published."""
        return self._publisher.outage

    def whole_up_to(self) -> int | None:
        """The last position on a stream that is as it should be; None: it is not, or not known."""
        return self.published if self._is_whole else None

    def look_now(self) -> None:
        """Somebody has found that the stream is damaged, and written it down."""
        self._is_whole = False
        self._look_now.set()
        self._rung.set()

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away."""
        await every(0, self._look_and_follow, away=AWAY, pause=PAUSE_SECONDS)

    async def _look_and_follow(self) -> None:
        try:
            self._look_now.clear()
            if await self._look():
                await self._follow()
        except PublishRefused as refused:
            # Another relay was faster; what it published is looked up and not repeated.
            log.debug("publication_refused", position=self.published, cause=describe(refused))
            if refused.code not in ELSEWHERE:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _look(self) -> bool:
        """Whether the stream is whole and the log's, so that what follows can be published."""
        if not (await log_timeline(self._bus.pool)).is_verified:
            await self._recover()
            return False
        known = await rows.stream_row(self._bus)
        if (pending := await rows.rebuild_row(self._bus)) is not None:
            await self._rebuild(pending.reason)
            return False
        found = await inspect(self._bus, known)
        self._is_whole = self._is_whole and isinstance(found, Whole)
        match found:
            case Whole(published=published):
                self._publisher.published = published
                self.stopped, self.holes = None, 0
                if await self._has_limited():
                    return False
                await self._keep_up(known)
                self._is_whole = True
                return True
            case Missing():
                await self._rebuild("there is no stream yet")
            case Damaged(reason=reason, holes=holes, written_by_others=written):
                self.stopped, self.holes = None, holes
                if written:
                    log.critical("stream_written_by_others", stream=self._bus.name, cause=reason)
                await self._rebuild(reason)
            case OtherHistory(reason=reason):
                if self.stopped != reason:
                    log.critical("stream_of_another_history", stream=self._bus.name, cause=reason)
                self.stopped = reason
                await asyncio.sleep(STOPPED_SECONDS)
            case _:
                assert_never(found)
        return False

    async def _recover(self) -> None:
        """The stream may have the only copy of entries that a standby lacks: it comes first."""
        self._is_whole = False
        found = await recover(self._bus, crash_at=self._crash_at)
        match found.outcome:
            case "busy":
                await asyncio.sleep(PAUSE_SECONDS)
            case "verified":
                self.stopped = None
            case "forked":
                if self.stopped != found.reason:
                    log.critical("log_forked", stream=self._bus.name, cause=found.reason)
                self.stopped = found.reason
                await asyncio.sleep(STOPPED_SECONDS)
            case _:
                assert_never(found.outcome)

    async def _rebuild(self, reason: str) -> None:
        self._is_whole = False
        publisher = self._publisher
        if not await rebuild(self._bus, publisher, reason, crash_at=self._crash_at):
            await asyncio.sleep(PAUSE_SECONDS)

    async def _has_limited(self) -> bool:
        """Whether the stream keeps more or less from now on; only the first time, as another
        process may have other settings.
        """
        if self._is_limited:
            return False
        limited = await limit_facts_stream(self._bus.client, self._bus.name, self._bus.keep)
        self._is_limited = True
        return limited

    async def _keep_up(self, known: rows.StreamRow | None) -> None:
        """Notes now and then what is there, for the day when it is gone."""
        if known is None or time.monotonic() - self._remembered_at > LOOK_SECONDS:
            await remember(self._bus, self.published)
            self._remembered_at = time.monotonic()

    async def _follow(self) -> None:
        """Publish until nothing waits, and again at each ring; returns when there was none, and
        after LOOK_SECONDS."""
        until = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < until and not self._look_now.is_set():
            self._rung.clear()
            await self._publisher.catch_up()
            if not await ring_or(self._rung, POLL_SECONDS):
                return


@asynccontextmanager
async def relaying(
    store: EventStore,
    pool: Pool,
    client: Client,
    bell: Bell,
    *,
    prefix: str = "",
    replicas: int = 1,
    options: FactsOptions = FACTS_DEFAULTS,
) -> AsyncIterator["RunningRelay"]:
    """A relay and its sweep run while the block does.

    bell: on `services.common.log.store.BELL_CHANNEL`.
    """
    bus = FactsBus(
        store=store,
        pool=pool,
        client=client,
        prefix=prefix,
        replicas=replicas,
        keep=options.keep,
    )
    with bell.listener() as rung:
        relay = Relay(bus, rung)
        sweep = Sweep(bus, relay.whole_up_to, relay.look_now, per_second=options.sweep_per_second)
        async with (
            background("relay", relay.run()) as task,
            background("sweep", sweep.run()),
        ):
            yield RunningRelay(relay, sweep, task)


class RunningRelay:
    """The relay and its sweep as readiness and metrics see them."""

    def __init__(self, relay: Relay, sweep: Sweep, task: "asyncio.Task[None]") -> None:
        self._relay = relay
        self._sweep = sweep
        self._task = task

    @property
    def published(self) -> int:
        """The last position on the public stream."""
        return self._relay.published

    @property
    def swept(self) -> int:
        """All up to this position was compared with the log."""
        return self._sweep.position

    @property
    def holes(self) -> int:
        """Positions that are known to be missing or other ones on the public stream."""
        return self._relay.holes

    @property
    def is_whole(self) -> bool:
        """Whether the public stream was as it should be when it was last looked at."""
        return self._relay.whole_up_to() is not None

    @property
    def outage(self) -> Outage:
        """Whether the stream takes what is published."""
        return self._relay.outage

    @property
    def stopped(self) -> str | None:
        """Why nothing is published until a person decides; None: it is."""
        return self._relay.stopped

    @property
    def failure(self) -> BaseException | None:
        """The error that ended it; None while it runs."""
        return failure(self._task)
