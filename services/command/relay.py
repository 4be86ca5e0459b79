"""From the log to the public stream: every entry once, in log order, its sequence its position.

The stream is its own mark of how far it got. Each publication says which sequence it follows, so
JetStream refuses a repeat and a gap alike: several relays at once are as good as one.

A stream that says it lacks messages has lost a file: it is made anew and published again. Asked at
the start, whenever nothing waits, and at least once in so many seconds.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import nats.errors
from msgspec.structs import replace
from nats.aio.client import Client
from nats.js.api import Header
from nats.js.errors import NotFoundError
from prometheus_client import Counter

from contracts.chain import Entry, encode_entry
from contracts.json import NULL
from contracts.subjects import HASH_HEADER, fact_subject
from services.command import rebuilding
from services.common.log.store import EventStore
from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.stream import (
    ELSEWHERE,
    Outage,
    OutgoingMessage,
    PublishRefused,
    StreamUnavailable,
    ensure_facts_stream,
    publish_whole,
)
from services.common.tasks import background, describe, every, failure, ring_or

log = logger("recount.relay")

REBUILDS = Counter("recount_bus_rebuilds", "Times the public stream was published again, damaged.")

# One fsync of the stream each; more of them at once would only wait longer for it.
MOST_ENTRIES = 128
# A lost ring, or a lost stream, stays unnoticed for so long.
POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.2
LOOK_SECONDS = 60.0
# NATS counts headers into its limit; ours are this long at most.
HEADERS_BYTES = 1024

AWAY = (
    *(StreamUnavailable, nats.errors.Error),  # the bus
    *CONNECTION_LOST,  # the log
    *(TimeoutError, OSError),
)


class StreamAhead(RuntimeError):
    """The stream holds entries that the log does not: it was restored from an older copy, or
    belongs to another log. Publishing on would give positions a second meaning.
    """


class Relay:
    """Publishes what the log holds beyond the stream's last sequence.

    published: the stream's last sequence, as far as this relay knows.
    outage: whether the stream takes what is published.
    crash_at: told "read" and "published" as each is reached, for crash tests.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        client: Client,
        rung: asyncio.Event,
        *,
        prefix: str = "",
        replicas: int = 1,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.published = 0
        self.outage = Outage("the public stream")
        self._store = store
        self._pool = pool
        self._client = client
        self._rung = rung
        self._prefix = prefix
        self._replicas = replicas
        self._crash_at = crash_at
        self._rebuilt: str | None = None

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away. Raises StreamAhead."""
        await every(0, self._find_position_and_follow, away=AWAY, pause=PAUSE_SECONDS)

    async def _find_position_and_follow(self) -> None:
        try:
            await self._find_position()
            await self._follow()
        except PublishRefused as refused:
            # Another relay was faster; what it published is looked up and not repeated.
            log.debug("publication_refused", position=self.published, cause=describe(refused))
            if refused.code not in ELSEWHERE:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _find_position(self) -> None:
        """Make the stream if it is missing; see how far it got, and that it is the log's."""
        name = await ensure_facts_stream(self._client, self._prefix, self._replicas)
        stream = self._client.jetstream()
        info = await stream.stream_info(name)
        last = info.state.last_seq
        head = await self._store.head()
        if last > head:
            raise StreamAhead(f"{name} is at {last}, the log at {head}")
        lost = rebuilding.damage(info)
        if last > 0 and lost is None:
            try:
                message = await stream.get_msg(name, last)
            except NotFoundError:
                lost = f"its last message, {last}, is gone"
            else:
                (entry,) = await self._store.entries(after=last - 1, limit=1)
                if (message.headers or {}).get(HASH_HEADER) != entry.hash.hex():
                    raise StreamAhead(f"{name} holds another entry than the log at {last}")
        if lost is not None:
            log.error("stream_made_anew", stream=name, cause=lost)
            REBUILDS.inc()
            await rebuilding.make_anew(self._pool, self._client, self._prefix, name, self._replicas)
            info = await stream.stream_info(name)
        self.published = info.state.last_seq
        self._rebuilt = name if await rebuilding.is_pending(self._pool, name) else None

    async def _follow(self) -> None:
        """Publish until nothing waits, and again at each ring; returns when there was none, and
        after LOOK_SECONDS."""
        until = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < until:
            self._rung.clear()
            while entries := await self._store.entries(self.published, MOST_ENTRIES):
                self._crash_at("read")
                await self._publish(entries)
            if self._rebuilt is not None:
                await rebuilding.finish(self._pool, self._client, self._rebuilt)
                log.warning("stream_whole_again", stream=self._rebuilt, position=self.published)
                self._rebuilt = None
            if not await ring_or(self._rung, POLL_SECONDS):
                return

    async def _publish(self, entries: Sequence[Entry]) -> None:
        messages = [self._message(entry) for entry in entries]
        expected = {Header.EXPECTED_LAST_SEQUENCE.value: str(self.published)}
        messages[0] = replace(messages[0], headers={**messages[0].headers, **expected})
        with self.outage.watching():
            last = await publish_whole(self._client, messages)
        self._crash_at("published")
        self.published = last

    def _message(self, entry: Entry) -> OutgoingMessage:
        payload = encode_entry(entry)
        if len(payload) + HEADERS_BYTES > self._client.max_payload:
            # It keeps its place and its proof; the fact itself is in the log.
            payload = encode_entry(replace(entry, event=NULL))
        return OutgoingMessage(
            subject=f"{self._prefix}{fact_subject(entry.team_id, entry.name)}",
            payload=payload,
            headers={
                Header.MSG_ID.value: str(entry.position),
                HASH_HEADER: entry.hash.hex(),
            },
        )


@asynccontextmanager
async def relaying(
    store: EventStore,
    pool: Pool,
    client: Client,
    bell: Bell,
    *,
    prefix: str = "",
    replicas: int = 1,
) -> AsyncIterator["RunningRelay"]:
    """A relay runs while the block does. bell: on `services.common.log.store.BELL_CHANNEL`."""
    with bell.listener() as rung:
        relay = Relay(store, pool, client, rung, prefix=prefix, replicas=replicas)
        async with background("relay", relay.run()) as task:
            yield RunningRelay(relay, task)


class RunningRelay:
    """The relay as readiness and metrics see it."""

    def __init__(self, relay: Relay, task: "asyncio.Task[None]") -> None:
        self._relay = relay
        self._task = task

    @property
    def published(self) -> int:
        """The last position on the public stream."""
        return self._relay.published

    @property
    def outage(self) -> Outage:
        """Whether the stream takes what is published."""
        return self._relay.outage

    @property
    def failure(self) -> BaseException | None:
        """Why it stopped for good; None while it runs."""
        return failure(self._task)

    async def ended(self) -> BaseException | None:
        """Waits until it stops for good; why it did."""
        await asyncio.wait({self._task})
        return self.failure
