"""The projector of product events, wired into an application."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from litestar import Litestar

from services.common import stream
from services.common.app import ServicePart
from services.common.clickhouse import ClickHouse
from services.projector.product_events import ProductEvents

log = logging.getLogger("recount.product_events")


def part(
    postgres_url: str, nats_url: str, clickhouse_url: str, *, replicas: int = 1, prefix: str = ""
) -> ServicePart:
    """No routes: captured events are stored as long as the application runs.

    prefix: before the names of stream and subjects.
    """

    @contextlib.asynccontextmanager
    async def ingesting(_: Litestar) -> AsyncIterator[None]:
        async with await ClickHouse.open(clickhouse_url) as clickhouse:
            bus = await stream.connect(nats_url, "product events")
            events = ProductEvents(postgres_url, bus, clickhouse, prefix=prefix, replicas=replicas)
            following = asyncio.create_task(events.run())
            following.add_done_callback(_watched)
            try:
                yield
            finally:
                # Asked until it has ended: a wait in the bus's client can swallow a cancellation.
                while not following.done():
                    following.cancel()
                    await asyncio.wait([following], timeout=0.2)
                await bus.close()

    return ServicePart(handlers=(), lifespans=(ingesting,))


def _watched(task: asyncio.Task[None]) -> None:
    """What ends the task is a defect: nothing more is stored, and nothing is lost."""
    if not task.cancelled() and (defect := task.exception()) is not None:
        log.critical("product events stopped: %r", defect, exc_info=defect)
