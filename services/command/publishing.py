"""The relay, wired: this process publishes the log to the public stream."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

from litestar import Litestar
from litestar.datastructures import State
from prometheus_client import Gauge

from services.command.relay import RunningRelay, relaying
from services.command.settings import CommandSettings
from services.common.bus import connect_bus
from services.common.http.app import ServicePart
from services.common.http.health import PartCheck, PartDegraded
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST
from services.common.tasks import background, every

PUBLISHED = Gauge("recount_relay_published_position", "The last position on the public stream.")
SWEPT = Gauge("recount_bus_swept_position", "The public stream was compared with the log to here.")
HOLES = Gauge("recount_bus_holes", "Positions missing on the public stream, or other ones there.")
BEHIND = Gauge(
    "recount_relay_behind_entries", "Entries of the log that are not on the public stream yet."
)
BEHIND_SECONDS = Gauge(
    "recount_relay_behind_seconds",
    "How long the first entry that is not on the public stream has waited; 0: all are.",
)
STOPPED = Gauge(
    "recount_relay_stopped",
    "1: nothing is published until a person decides, or the process starts again; else 0.",
)

# So many facts a second or two of writing at full speed puts into the log.
MOST_BEHIND = 10_000
REPORT_SECONDS = 5.0


def part(settings: CommandSettings) -> ServicePart:
    """Stands on the command service's own part, whose log it reads. Any number of processes may."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        store = app.state.store
        bus = await connect_bus(settings.nats_url, "relay")
        bell = Bell(settings.database_url, BELL_CHANNEL)
        try:
            async with (
                bell.listening(),
                relaying(
                    store,
                    app.state.pool,
                    bus,
                    bell,
                    replicas=settings.nats_replicas,
                    options=settings.facts(),
                ) as relay,
            ):
                PUBLISHED.set_function(lambda: relay.published)
                SWEPT.set_function(lambda: relay.swept)
                HOLES.set_function(lambda: relay.holes)
                STOPPED.set_function(lambda: _why_stopped(relay) is not None)
                app.state.relay = relay
                app.state.relay_bus = bus
                report = every(REPORT_SECONDS, partial(_report, store, relay), away=CONNECTION_LOST)
                async with background("relay: report", report):
                    yield
        finally:
            await bus.close()

    return ServicePart(handlers=(), lifespans=(lifespan,), checks={"relay": PartCheck(_relay)})


def _why_stopped(relay: RunningRelay) -> BaseException | str | None:
    return relay.failure or relay.stopped


async def _report(store: EventStore, relay: RunningRelay) -> None:
    published = relay.published
    waiting = await store.entries(published, 1)
    BEHIND.set(max(await store.head() - published, 0))
    since = (datetime.now(UTC) - waiting[0].at).total_seconds() if waiting else 0.0
    BEHIND_SECONDS.set(max(since, 0.0))


async def _relay(state: State) -> None:
    """Writes go on without it; subscribers wait."""
    relay: RunningRelay = state.relay
    if (stopped := _why_stopped(relay)) is not None:
        raise PartDegraded(f"the relay has stopped: {stopped}")
    if not state.relay_bus.is_connected:
        raise PartDegraded("the public stream takes nothing: not connected to the bus")
    if (reason := relay.outage.reason) is not None:
        raise PartDegraded(f"the public stream takes nothing: {reason}")
    if relay.holes:
        raise PartDegraded(f"the public stream is made anew: {relay.holes} entries were not there")
    if (behind := await state.store.head() - relay.published) > MOST_BEHIND:
        raise PartDegraded(f"the public stream is {behind} entries behind")
