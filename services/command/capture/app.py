"""The capture doors, wired."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar

from services.command.capture import positions, routes, routes_v1, start_up
from services.command.capture.browsers import open_to_browsers
from services.command.capture.door import CaptureDoor
from services.common import stream
from services.common.app import ServicePart, from_state


def part(nats_url: str, *, replicas: int = 1, prefix: str = "") -> ServicePart:
    """What the doors bring to an application that stands on `foundation`.

    prefix: before the names of stream and subjects.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bus = await stream.connect(nats_url, "capture")
        try:
            ingest = positions.IngestProgress(app.state.pool, stream.capture_stream(prefix))
            reached = await ingest.position()
            await stream.ensure_capture_stream(bus, prefix, replicas, reached + 1)
            app.state.door = CaptureDoor(bus, app.state.accounts, prefix)
            app.state.ingest = ingest
            yield
        finally:
            await bus.close()

    handlers = [
        *routes.HANDLERS,
        *routes_v1.HANDLERS,
        *positions.HANDLERS,
        *start_up.HANDLERS,
    ]
    return ServicePart(
        handlers=handlers,
        dependencies={"door": from_state("door"), "ingest": from_state("ingest")},
        lifespans=[lifespan],
        around=[open_to_browsers(handlers)],
    )
