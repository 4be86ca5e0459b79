"""The projector's wiring: what is opened, which projections run, and in which order all ends."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.datastructures import State

from services.common.http.app import ServicePart, compose
from services.common.http.health import PartCheck, PartDegraded
from services.common.http.presence import present
from services.common.log.progress import progress
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool, pool
from services.common.tasks import background, every
from services.projector import metrics
from services.projector.auditor import part as auditing
from services.projector.product_events import part as ingesting
from services.projector.projection import Projection
from services.projector.proofs import part as signing
from services.projector.proofs import projection as proofs
from services.projector.proofs.projection import ProofsProjection
from services.projector.read_models.activity import ActivityProjection
from services.projector.read_models.catalog import catalog_projection
from services.projector.read_models.history import HistoryProjection
from services.projector.read_models.insights import insight_projection
from services.projector.read_models.last_viewed import LastViewedProjection
from services.projector.read_models.sharing import sharing_projection
from services.projector.runner import ProjectionRunner
from services.projector.settings import ProjectorSettings
from services.projector.webhooks import part as delivering

log = logger("recount.projector")

REPORT_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 10.0

# The checkpoint's lock of a projector that is frozen is freed, so that another one goes on.
_LETS_GO = {"idle_in_transaction_session_timeout": "5s", "statement_timeout": "60s"}


def projections() -> tuple[Projection[Any], ...]:
    """All of them. They share nothing but the log: each has its own checkpoint."""
    return (
        insight_projection(),
        sharing_projection(),
        ActivityProjection(),
        LastViewedProjection(),
        catalog_projection(),
        HistoryProjection(),
    )


def rebuildable() -> tuple[Projection[Any], ...]:
    """Those, and the trees over the chains, which grow by a way of their own."""
    return (*projections(), ProofsProjection())


def part(database_url: str) -> ServicePart:
    """The projector has no routes of its own: it runs as long as its application does."""

    @contextlib.asynccontextmanager
    async def projecting(app: Litestar) -> AsyncIterator[None]:
        async with running(database_url) as connections:
            app.state.projector_pool = connections
            yield

    return ServicePart(
        handlers=(),
        lifespans=(projecting,),
        checks={"projections": PartCheck(_projections, essential=True)},
    )


def create_app(settings: ProjectorSettings) -> Litestar:
    """The service as a process of its own."""
    events = ingesting.part(
        settings.database_url,
        settings.nats_url,
        settings.clickhouse_url,
        replicas=settings.nats_replicas,
        keep_hours=settings.capture_keep_hours,
        lease_seconds=settings.lease_seconds,
        quorum=settings.clickhouse_quorum,
        uuid_days=settings.uuid_days,
    )
    webhooks = [delivering.part(settings.database_url, settings)] if settings.webhooks else []
    checkpoints = signing.part(settings.database_url, settings.proofs())
    audits = auditing.part(settings.database_url, rebuildable(), settings.audit_facts_per_second)
    here = present(settings.database_url, "projector")
    return compose([here, part(settings.database_url), events, checkpoints, audits, *webhooks])


@contextlib.asynccontextmanager
async def running(database_url: str) -> AsyncIterator[Pool]:
    """Every projection follows the log while the block runs. Gives the pool they write with.

    An error that a runner can't name ends its task, and the log says so; the projection then stands
    still and shows its lag, and nothing is lost.
    """
    bell = Bell(database_url, BELL_CHANNEL)
    followed = projections()
    async with (
        pool(
            database_url, size=len(followed) + 2, name="projector", options=_LETS_GO
        ) as connections,
        EventStore.open(database_url) as store,
        bell.listening(),
        contextlib.AsyncExitStack() as stack,
    ):
        for each in followed:
            run = ProjectionRunner(each, store, connections).run(bell)
            await stack.enter_async_context(background(f"projection {each.name}", run))
        trees = background("projection proofs", proofs.follow(connections))
        await stack.enter_async_context(trees)
        report = every(REPORT_SECONDS, partial(_report, connections), away=CONNECTION_LOST)
        await stack.enter_async_context(background("progress", report))
        yield connections


async def _projections(state: State) -> None:
    """Whether all are caught up, and follow every stream."""
    parked = 0
    for each in await progress(state.projector_pool):
        parked += each.parked
        if each.behind_seconds > LONGEST_DELAY_SECONDS:
            raise PartDegraded(
                f"{each.projection} stands at position {each.position} of {each.head}, "
                f"{each.behind_seconds:.0f} s behind"
            )
    if parked:
        raise PartDegraded(f"{parked} streams can't be followed; their rows stay as they were")


async def _report(connections: Pool) -> None:
    """Says how far behind the log each projection is."""
    for each in await progress(connections):
        metrics.lag.labels(each.projection).set(each.behind)
        metrics.behind_seconds.labels(each.projection).set(each.behind_seconds)
        metrics.parked.labels(each.projection).set(each.parked)
        if each.behind or each.parked:
            log.info(
                "projection_behind",
                projection=each.projection,
                position=each.position,
                behind=each.behind,
                parked=each.parked,
            )
