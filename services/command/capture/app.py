"""The capture doors, wired."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.datastructures import State

from services.command.capture import positions, routes, routes_v1, start_up
from services.command.capture.browsers import open_to_browsers
from services.command.capture.door import CaptureDoor
from services.common.bus import connect_bus
from services.common.http.app import ServicePart, from_state
from services.common.http.health import PartCheck, PartDegraded
from services.common.stream import whole_capture_stream

# A bus that answers has shown its stream by then; one that does not must not keep us from serving.
OPENING_SECONDS = 10.0


def part(nats_url: str, *, replicas: int = 1, prefix: str = "") -> ServicePart:
    """The capture doors as a part of an application that stands on `foundation`.

    prefix: before the names of stream and subjects.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        ingest = positions.IngestProgress(app.state.pool, prefix)
        bus = await connect_bus(nats_url, "capture")

        async def whole(bucket: int) -> int:
            known = await ingest.known(bucket)
            return await whole_capture_stream(bus, known, prefix, replicas, bucket)

        door = CaptureDoor(bus, app.state.accounts, whole, prefix)
        try:
            await door.open(await ingest.buckets(), OPENING_SECONDS if bus.is_connected else 0)
            app.state.door = door
            app.state.ingest = ingest
            app.state.capture_bus = bus
            yield
        finally:
            await door.close()
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
        checks={"capture": PartCheck(_capture)},
        around=[open_to_browsers(handlers)],
    )


async def _capture(state: State) -> None:
    """Events are answered 503 while the stream takes nothing: asked again here, too."""
    door: CaptureDoor = state.door
    if not state.capture_bus.is_connected:
        raise PartDegraded("captured events can't be kept: not connected to the bus")
    if door.reason is None:
        return
    await door.try_again()
    if (reason := door.reason) is not None:
        raise PartDegraded(f"captured events can't be kept: {reason}")
