"""The projector's wiring: what is opened, which projections run, and in which order all ends."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from psycopg import InterfaceError, OperationalError

from services.common.http.app import ServicePart, compose
from services.common.http.health import Degraded, NotReady
from services.common.log.progress import progress
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool, pool
from services.common.tasks import stop
from services.projector import metrics
from services.projector.product_events import part as ingesting
from services.projector.projection import Projection
from services.projector.read_models.activity import ActivityProjection
from services.projector.read_models.catalog import catalog_projection
from services.projector.read_models.insights import insight_projection
from services.projector.read_models.last_viewed import LastViewedProjection
from services.projector.read_models.sharing import sharing_projection
from services.projector.runner import Runner
from services.projector.settings import ProjectorSettings

log = logging.getLogger("recount.projector")

REPORT_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 10.0


def projections() -> tuple[Projection[Any], ...]:
    """All of them. They share nothing but the log: each has its own checkpoint."""
    return (
        insight_projection(),
        sharing_projection(),
        ActivityProjection(),
        LastViewedProjection(),
        catalog_projection(),
    )


def part(database_url: str) -> ServicePart:
    """The projector has no routes of its own: it runs as long as its application does."""

    @contextlib.asynccontextmanager
    async def projecting(app: Litestar) -> AsyncIterator[None]:
        async with running(database_url) as connections:
            app.state.projector_pool = connections
            yield

    return ServicePart(handlers=(), lifespans=(projecting,), checks={"projections": _projections})


def create_app(settings: ProjectorSettings) -> Litestar:
    """The service as a process of its own."""
    events = ingesting.part(
        settings.database_url,
        settings.nats_url,
        settings.clickhouse_url,
        replicas=settings.nats_replicas,
    )
    return compose([part(settings.database_url), events])


@contextlib.asynccontextmanager
async def running(database_url: str) -> AsyncIterator[Pool]:
    """Every projection follows the log while the block runs. Gives the pool they write with.

    An error that a runner can't name ends its task, which `_watched` reports; the projection then
    stands still and shows its lag, and nothing is lost.
    """
    bell = Bell(database_url, BELL_CHANNEL)
    followed = projections()
    async with (
        pool(database_url, size=len(followed) + 1, name="projector") as connections,
        EventStore.open(database_url) as store,
        bell.listening(),
        _tasks(
            [Runner(each, store, connections).run(bell) for each in followed]
            + [_report(connections)]
        ),
    ):
        yield connections


@contextlib.asynccontextmanager
async def _tasks(runs: Sequence[Any]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(run) for run in runs]
    for task in tasks:
        task.add_done_callback(_watched)
    try:
        yield
    finally:
        await asyncio.gather(*map(stop, tasks))


def _watched(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (defect := task.exception()) is not None:
        log.critical("a projection stopped: %r", defect, exc_info=defect)


async def _projections(state: State) -> None:
    """Whether all are caught up, and follow every stream."""
    parked = 0
    for each in await progress(state.projector_pool):
        parked += each.parked
        if each.behind_seconds > LONGEST_DELAY_SECONDS:
            raise NotReady(
                f"{each.projection} stands at position {each.position} of {each.head}, "
                f"{each.behind_seconds:.0f} s behind"
            )
    if parked:
        raise Degraded(f"{parked} streams can't be followed; their rows stay as they were")


async def _report(connections: Pool) -> None:
    """Says now and then how far behind the log each projection is."""
    while True:
        try:
            for each in await progress(connections):
                metrics.lag.labels(each.projection).set(each.behind)
                metrics.parked.labels(each.projection).set(each.parked)
                if each.behind or each.parked:
                    log.info(
                        "progress projection=%s position=%s behind=%s parked=%s",
                        each.projection,
                        each.position,
                        each.behind,
                        each.parked,
                    )
        except (OperationalError, InterfaceError) as lost:
            log.warning("progress is not known: %s", lost)
        await asyncio.sleep(REPORT_SECONDS)
