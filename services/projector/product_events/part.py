"""The projector of product events, wired into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from litestar import Litestar
from litestar.datastructures import State

from services.common.bus import connect_bus
from services.common.clickhouse import Shards
from services.common.http.app import ServicePart
from services.common.http.health import PartCheck, PartDegraded
from services.common.settings import LEASE_SECONDS
from services.common.tasks import background, failure
from services.projector.product_events.buckets import SharedBuckets
from services.projector.product_events.follower import ProductEvents


def part(
    postgres_url: str,
    nats_url: str,
    clickhouse_url: str,
    *,
    replicas: int = 1,
    prefix: str = "",
    keep_hours: int = 0,
    lease_seconds: float = LEASE_SECONDS,
    quorum: int = 0,
    uuid_days: int | None = None,
) -> ServicePart:
    """No routes: captured events are stored as long as the application runs.

    prefix: before the names of stream and subjects. keep_hours, lease_seconds: see
    ProductEvents. quorum, uuid_days: see `ClickHouse.open_shard`; 0: by the number of replicas.
    """

    @contextlib.asynccontextmanager
    async def ingesting(app: Litestar) -> AsyncIterator[None]:
        opening = Shards.open(clickhouse_url, quorum=quorum or None, uuid_days=uuid_days)
        async with await opening as shards:
            bus = await connect_bus(nats_url, "product events")

            def events(bucket: int, shard: int) -> ProductEvents:
                return ProductEvents(
                    postgres_url,
                    bus,
                    shards.numbered(shard),
                    prefix=prefix,
                    replicas=replicas,
                    keep_hours=keep_hours,
                    lease_seconds=lease_seconds,
                    bucket=bucket,
                )

            shared = SharedBuckets(postgres_url, events, prefix=prefix, seconds=lease_seconds)
            try:
                async with background("product events", shared.run()) as sharing:
                    app.state.product_events = RunningIngest(shared, sharing)
                    yield
            finally:
                await bus.close()

    return ServicePart(
        handlers=(), lifespans=(ingesting,), checks={"product events": PartCheck(_product_events)}
    )


class RunningIngest(msgspec.Struct, frozen=True):
    """The ingest as readiness sees it."""

    buckets: SharedBuckets
    task: asyncio.Task[None]


async def _product_events(state: State) -> None:
    """Events are still taken and kept on the stream; but what comes is in no answer."""
    running: RunningIngest = state.product_events
    if running.task.done():
        raise PartDegraded(f"product events are not stored any more: {failure(running.task)}")
    if troubles := running.buckets.troubles():
        raise PartDegraded("; ".join(troubles))
