"""JetStream takes nothing more once its disk was full, room or no room: it is started again."""

import asyncio
import shutil
from functools import partial

from litestar import Litestar

from services.common.logs import logger
from services.common.tasks import every
from services.embedded.nats import Nats

log = logger("recount.healing")

# Less would be full again at once.
ROOM_BYTES = 4 * 1024 * 1024
_LOOK_SECONDS = 0.5
# Until it has looked through its files, and its clients have found it again.
_AGAIN_SECONDS = 5.0


async def keep_taking(app: Litestar, bus: Nats) -> None:
    """Until cancelled. Acknowledged messages stay: the server reads its own files, as at every
    start.
    """
    # The disk can be full again while its settings are written.
    await every(_LOOK_SECONDS, partial(_heal, app, bus), away=(OSError,))


async def _heal(app: Litestar, bus: Nats) -> None:
    if not await _refuses_again(app) or shutil.disk_usage(bus.folder).free < ROOM_BYTES:
        return
    log.warning("jetstream_restarted", free_bytes=shutil.disk_usage(bus.folder).free)
    await asyncio.to_thread(bus.restart_jetstream)
    await asyncio.sleep(_AGAIN_SECONDS)


async def _refuses_again(app: Litestar) -> bool:
    """Whether a publication failed, and one more does. The relay's tries go on by themselves."""
    door, relay = app.state.door, app.state.relay
    await door.try_again()
    return door.reason is not None or relay.outage.reason is not None
