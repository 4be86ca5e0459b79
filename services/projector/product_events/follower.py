"""Product events to ClickHouse: one writer at a time, from where the last one stopped."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from nats.aio.client import Client
from prometheus_client import Counter, Gauge

from contracts.product_events import events_in
from services.common.clickhouse import ClickHouse, EngineError
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST
from services.common.settings import LEASE_SECONDS
from services.common.stream import LOST, StreamUnavailable, capture_stream, whole_capture_stream
from services.common.tasks import Waiting, describe
from services.projector.product_events.backlog import Backlog, Pace
from services.projector.product_events.captured import (
    CapturedStream,
    StreamMessage,
    forget,
    has_all,
)
from services.projector.product_events.erasing import PersonErasing
from services.projector.product_events.event_rows import Origin, last_sequence
from services.projector.product_events.ingest import (
    Ingest,
    SequenceRange,
    Step,
    VisibleRange,
    no_step,
)
from services.projector.product_events.lease import (
    Lease,
    LeaseLost,
    LeaseTaken,
    LeaseTerms,
    lease,
)

log = logger("recount.product_events")

_RETRY_SECONDS = 0.5
_FORGET_EVERY_SECONDS = 60.0
# A stored event needs no copy in the stream; the last messages stay, to look into a case.
KEPT_MESSAGES = 1_000
MOST_EVENTS = 4_000

WENT_BACK = Counter(
    "recount_ingest_database_went_back",
    "PostgreSQL was older than ClickHouse, by what was done.",
    ["events"],
)
TRUNCATED = Counter(
    "recount_ingest_truncated",
    "Times that rows were taken out of ClickHouse, since PostgreSQL knew nothing of them.",
    ["bucket"],
)
HELD = Gauge("recount_ingest_lease", "1 while this process stores the bucket's events.", ["bucket"])

AWAY = (*CONNECTION_LOST, EngineError, StreamUnavailable, LeaseLost)


class ProductEvents:
    """The projector of product events. Any number of processes may run one: they take turns.

    prefix: of stream and subjects. at: see Ingest. lease_seconds: see lease.
    keep_hours: how long stored messages stay on the stream, besides the last ones.
    bucket: whose stream it follows. holds_the_lease: whether it is this process's turn.
    waits_for: why nothing is stored for the moment; None while it goes on.
    lost: messages that the stream should have had, and has not, since the start.
    """

    def __init__(
        self,
        postgres_url: str,
        bus: Client,
        clickhouse: ClickHouse,
        *,
        prefix: str = "",
        replicas: int = 1,
        at: Callable[[Step], None] = no_step,
        lease_seconds: float = LEASE_SECONDS,
        keep_hours: int = 0,
        bucket: int = 0,
    ) -> None:
        self._bucket = bucket
        self._postgres_url = postgres_url
        self._bus = bus
        self._clickhouse = clickhouse
        self._prefix = prefix
        self._replicas = replicas
        self._at = at
        self._terms = LeaseTerms(lease_seconds)
        self._keep_hours = keep_hours
        self._ends = asyncio.Event()
        self._gathers = False
        self._waiting = Waiting(f"product events of bucket {bucket}")
        self._backlog = Backlog(bucket)
        self.holds_the_lease = False
        self.waits_for: str | None = None
        self.lost = 0

    async def hold(self, holder: UUID | None = None, *, gathers: bool = False) -> None:
        """Take the lease, if it is free, and store what comes. Returns where another process has
        it, after `let_go`, and when a server is away: nothing is skipped then.

        gathers: see Pace.
        """
        self._ends.clear()
        self._gathers = gathers
        terms = LeaseTerms(self._terms.seconds, holder, waits=False)
        try:
            await self._follow_under(terms)
        except LeaseTaken:
            self.stand_by()
        except AWAY as cause:
            self.waits_for = describe(cause)
            self._waiting.tell(cause)
            await asyncio.sleep(_RETRY_SECONDS)

    def let_go(self) -> None:
        """End after the batch that is being stored."""
        self._ends.set()

    async def follow(self, until: int | None = None) -> None:
        """Take the lease, in its turn, and store what comes; returns once `until` is reached."""
        await self._follow_under(self._terms, until)

    async def _follow_under(self, terms: LeaseTerms, until: int | None = None) -> None:
        stream = capture_stream(self._prefix, self._bucket)
        waiting = lease(self._postgres_url, stream, self.stand_by, terms)
        async with waiting as held:
            with self._holding():
                await self._store_what_comes(held, stream, until)

    async def _store_what_comes(self, held: Lease, stream: str, until: int | None) -> None:
        ingest = Ingest(held, self._clickhouse, self._at, self._bucket)
        progress = await self._mended(ingest, stream, await ingest.progress())
        known = _known(progress)
        await whole_capture_stream(self._bus, known, self._prefix, self._replicas, self._bucket)
        erasing = PersonErasing(held.conn, self._clickhouse, self._bus, stream, self._bucket)
        await self._follow(ingest, erasing, stream, progress, until)

    async def _mended(self, ingest: Ingest, stream: str, stands: VisibleRange) -> VisibleRange:
        """Where to go on from, if ClickHouse holds what PostgreSQL knows nothing of (it went back
        in time): stored anew from the stream, or, where that has not all of it any more, kept.
        """
        known = _known(stands)
        end = await last_sequence(self._clickhouse, Origin(self._bucket, known))
        if end == known:
            return stands
        reached = stands.reached
        can_be_stored_anew = await has_all(self._bus, stream, reached + 1, end)
        how = "stored anew" if can_be_stored_anew else "kept"
        log.critical("database_went_back", stream=stream, after=reached, end=end, events=how)
        WENT_BACK.labels(how).inc()
        if can_be_stored_anew:
            TRUNCATED.labels(str(self._bucket)).inc()
            return await ingest.cut_off(stands, end)
        return await ingest.take_over(end)

    def stand_by(self) -> None:
        """Another process stores what comes: what this one waited for is no trouble any more."""
        self.waits_for = None
        self._backlog.nothing()

    def report(self) -> None:
        """Say how far behind it is, which grows while nothing is stored."""
        self._backlog.tell()

    @contextmanager
    def _holding(self) -> Iterator[None]:
        HELD.labels(str(self._bucket)).set(1)
        self.holds_the_lease = True
        try:
            yield
        finally:
            self.holds_the_lease = False
            HELD.labels(str(self._bucket)).set(0)

    async def _follow(
        self,
        ingest: Ingest,
        erasing: PersonErasing,
        stream: str,
        progress: VisibleRange,
        until: int | None,
    ) -> None:
        reached = progress.reached
        forgotten_at = time.monotonic()
        messages = await CapturedStream.open(self._bus, stream, reached + 1)
        try:
            waiting: list[StreamMessage] = []
            if progress.unfinished is not None:
                waiting = await _at_least(messages, progress.unfinished)
                end = max(progress.unfinished.last, waiting[-1].sequence if waiting else 0)
                self._miss(stream, end, waiting, reached)
                reached = await _store(ingest, progress.unfinished, waiting)
                waiting = [one for one in waiting if one.sequence > reached]
            pace = Pace(gathers=self._gathers)
            while (until is None or reached < until) and not self._ends.is_set():
                self.waits_for = None
                self._waiting = Waiting(f"product events of bucket {self._bucket}")
                if not waiting and (waiting := await messages.next()):
                    self._backlog.grows(waiting, messages.behind)
                    if messages.behind == 0 and (pause := pace.pause()):
                        await asyncio.sleep(pause)
                        waiting += await messages.waiting()
                    self._miss(stream, waiting[-1].sequence, waiting, reached)
                if waiting:
                    self._backlog.grows(waiting, messages.behind)
                    some = _first(waiting)
                    reached = await _store(ingest, await ingest.begin(some), some)
                    waiting = waiting[len(some) :]
                    pace.stored()
                    self._backlog.grows(waiting, messages.behind)
                await erasing.go_on(reached)
                if time.monotonic() - forgotten_at > _FORGET_EVERY_SECONDS:
                    up_to = await ingest.stored_before(reached, self._keep_hours)
                    await forget(self._bus, stream, min(up_to, reached - KEPT_MESSAGES))
                    forgotten_at = time.monotonic()
        finally:
            await messages.close()

    def _miss(self, stream: str, end: int, found: list[StreamMessage], reached: int) -> None:
        """Tell of the messages after `reached`, up to `end`, that are not among the found.

        Nothing is ever taken out of it before it was stored: they were damaged on the disk.
        """
        lost = end - reached - len(found)
        if lost > 0:
            self.lost += lost
            LOST.inc(lost)
            log.critical("captured_events_lost", stream=stream, lost=lost, after=reached, end=end)


def _known(stands: VisibleRange) -> int:
    """The last sequence that anything was begun with."""
    return max(stands.reached, stands.unfinished.last if stands.unfinished else 0)


def _first(waiting: list[StreamMessage]) -> list[StreamMessage]:
    """As many as make one batch: the smallest events, too, are stored without keeping others."""
    events = 0
    for index, one in enumerate(waiting):
        events += events_in(one.payload)
        if events > MOST_EVENTS and index:
            return waiting[:index]
    return waiting


async def _store(ingest: Ingest, batch: SequenceRange, messages: list[StreamMessage]) -> int:
    """The sequence reached with it."""
    within = [one for one in messages if batch.first <= one.sequence <= batch.last]
    await ingest.store(batch, within)
    return batch.last


async def _at_least(messages: CapturedStream, batch: SequenceRange) -> list[StreamMessage]:
    """Everything up to the end of the range that the stream still has, and perhaps more."""
    found: list[StreamMessage] = []
    while not found or found[-1].sequence < batch.last:
        more = await messages.next()
        if not more:
            break  # it goes beyond the range: the range's end is lost
        found += more
    return found
