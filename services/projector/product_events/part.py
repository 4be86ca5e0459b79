"""The projector of product events, wired into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import LiteralString

import msgspec
from litestar import Litestar
from litestar.datastructures import State
from psycopg import AsyncConnection

from services.common.bus import connect_bus
from services.common.clickhouse import Shards
from services.common.http.app import ServicePart
from services.common.http.health import PartCheck, PartDegraded
from services.common.settings import LEASE_SECONDS
from services.common.tasks import background, failure
from services.projector.product_events.follower import ProductEvents

FIRST_BUCKET = 0
_SHARD: LiteralString = "SELECT shard FROM bucket_shards WHERE bucket = %s"


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
            events = ProductEvents(
                postgres_url,
                bus,
                shards.numbered(await _shard_of(postgres_url, FIRST_BUCKET)),
                prefix=prefix,
                replicas=replicas,
                keep_hours=keep_hours,
                lease_seconds=lease_seconds,
            )
            try:
                async with background("product events", events.run()) as following:
                    app.state.product_events = RunningIngest(events, following)
                    yield
            finally:
                await bus.close()

    return ServicePart(
        handlers=(), lifespans=(ingesting,), checks={"product events": PartCheck(_product_events)}
    )


async def _shard_of(postgres_url: str, bucket: int) -> int:
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        row = await (await conn.execute(_SHARD, (bucket,))).fetchone()
    return 1 if row is None else int(row[0])


class RunningIngest(msgspec.Struct, frozen=True):
    """The ingest as readiness sees it."""

    events: ProductEvents
    task: asyncio.Task[None]


async def _product_events(state: State) -> None:
    """Events are still taken and kept on the stream; but what comes is in no answer."""
    running: RunningIngest = state.product_events
    if running.task.done():
        raise PartDegraded(f"product events are not stored any more: {failure(running.task)}")
    if (reason := running.events.waits_for) is not None:
        raise PartDegraded(f"product events wait: {reason}")
    if (lost := running.events.lost) > 0:
        raise PartDegraded(f"the capture stream has lost {lost} messages; the log says which")
