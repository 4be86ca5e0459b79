"""The delivery of webhooks, wired into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from litestar import Litestar
from litestar.datastructures import State

from services.common.http.app import ServicePart
from services.common.http.health import NotReady
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.postgres.installation import installation
from services.common.settings import InvalidSettings, destinations
from services.common.tasks import background, failure
from services.common.webhooks.destinations import Destinations
from services.projector.webhooks.deliver import Surroundings
from services.projector.webhooks.running import Webhooks
from services.projector.webhooks.sending import Sender
from services.projector.webhooks.spool import Spool

TIMEOUT_SECONDS = 15.0
READERS = 4


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """destinations: where they may go. ca_file: authorities besides the system's.

    timeout_seconds: that one request may take in all.
    """

    destinations: Destinations = Destinations()
    ca_file: Path | None = None
    timeout_seconds: float = TIMEOUT_SECONDS


def webhook_settings(allow: str, ca_file: str | None, timeout_seconds: float) -> WebhookSettings:
    """As settings spell them. Raises InvalidSettings."""
    path = Path(ca_file) if ca_file else None
    if path is not None and not path.is_file():
        raise InvalidSettings(f"…_WEBHOOKS_CA_FILE: {path} is no file")
    return WebhookSettings(
        destinations=destinations(allow), ca_file=path, timeout_seconds=timeout_seconds
    )


DEFAULTS = WebhookSettings()


def part(database_url: str, settings: WebhookSettings = DEFAULTS) -> ServicePart:
    """No routes: webhooks are delivered as long as the application runs. Any number of processes
    may; each webhook is one's.
    """

    @contextlib.asynccontextmanager
    async def delivering(app: Litestar) -> AsyncIterator[None]:
        bell = Bell(database_url, BELL_CHANNEL)
        async with (
            pool(database_url, size=READERS, name="webhooks") as connections,
            Sender.open(
                settings.destinations, settings.timeout_seconds, settings.ca_file
            ) as sender,
            bell.listening(),
        ):
            ours = await installation(connections)

            def around(spool: Spool) -> Surroundings:
                return Surroundings(spool=spool, pool=connections, sender=sender, installation=ours)

            webhooks = Webhooks(database_url, around, bell)
            async with background("webhooks", webhooks.run()) as task:
                app.state.webhook_deliveries = task
                yield

    return ServicePart(handlers=(), lifespans=(delivering,), checks={"webhooks": _webhooks})


async def _webhooks(state: State) -> None:
    """Receivers that fail are no fault of ours: each webhook tells of its own."""
    task: asyncio.Task[None] = state.webhook_deliveries
    if task.done():
        raise NotReady(f"webhooks are not delivered any more: {failure(task)}")
