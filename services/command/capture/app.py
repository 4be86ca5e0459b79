"""The capture doors, wired."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.datastructures import State

from services.command.capture import positions, routes, routes_v1, start_up
from services.command.capture.browsers import open_to_browsers
from services.command.capture.door import CaptureDoor
from services.common import stream
from services.common.http.app import ServicePart, from_state
from services.common.http.health import NotReady
from services.common.http.problems import Rejected


def part(nats_url: str, *, replicas: int = 1, prefix: str = "") -> ServicePart:
    """The capture doors as a part of an application that stands on `foundation`.

    prefix: before the names of stream and subjects.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bus = await stream.connect(nats_url, "capture")
        try:
            ingest = positions.IngestProgress(app.state.pool, stream.capture_stream(prefix))
            reached = await ingest.known()
            last = await stream.whole_capture_stream(bus, reached, prefix, replicas)
            app.state.door = CaptureDoor(bus, app.state.accounts, prefix, last)
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
        checks={"capture": _capture},
        around=[open_to_browsers(handlers)],
    )


async def _capture(state: State) -> None:
    """Events are answered 503 while the stream takes nothing: asked again here, too."""
    door: CaptureDoor = state.door
    if door.outage.reason is None:
        return
    with contextlib.suppress(Rejected):
        await door.try_again()
    if (reason := door.outage.reason) is not None:
        raise NotReady(f"captured events can't be kept: {reason}")
