"""The delivery of webhooks, wired into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.datastructures import State

from services.common.http.app import ServicePart
from services.common.http.health import PartCheck, PartDegraded
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.postgres.installation import installation
from services.common.settings import destinations
from services.common.tasks import background, failure
from services.projector.webhooks.deliver import Surroundings
from services.projector.webhooks.options import DEFAULTS, WebhookOptions, trusted_authorities
from services.projector.webhooks.running import Webhooks
from services.projector.webhooks.sending import Sender
from services.projector.webhooks.spool import Spool

READERS = 4


def part(database_url: str, options: WebhookOptions = DEFAULTS) -> ServicePart:
    """No routes: webhooks are delivered as long as the application runs. Any number of processes
    may; each webhook is one's. Raises InvalidSettings.
    """
    allowed, authorities = destinations(options.webhooks_allow), trusted_authorities(options)

    @contextlib.asynccontextmanager
    async def delivering(app: Litestar) -> AsyncIterator[None]:
        bell = Bell(database_url, BELL_CHANNEL)
        async with (
            pool(database_url, size=READERS, name="webhooks") as connections,
            Sender.open(allowed, options.webhook_timeout_seconds, authorities) as sender,
            bell.listening(),
        ):
            ours = await installation(connections)

            def around(spool: Spool) -> Surroundings:
                return Surroundings(spool=spool, pool=connections, sender=sender, installation=ours)

            webhooks = Webhooks(database_url, around, bell)
            async with background("webhooks", webhooks.run()) as task:
                app.state.webhook_deliveries = task
                yield

    return ServicePart(
        handlers=(), lifespans=(delivering,), checks={"webhooks": PartCheck(_webhooks)}
    )


async def _webhooks(state: State) -> None:
    """Receivers that fail are no fault of ours: each webhook tells of its own."""
    task: asyncio.Task[None] = state.webhook_deliveries
    if task.done():
        raise PartDegraded(f"webhooks are not delivered any more: {failure(task)}")
