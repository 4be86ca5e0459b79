"""The public stream of a data folder, for commands that look at it or change it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from services.command.bus.facts_bus import AWAY, FactsBus
from services.common.log.store import EventStore
from services.common.postgres import database
from services.common.stream import PublishRefused, connect_now
from services.embedded import folder_servers
from services.embedded.commands import shared_options
from services.embedded.folder_servers import FolderServers
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings

T = TypeVar("T")


def with_bus(data: Path, wanted: Callable[[FactsBus, str], Awaitable[T]]) -> T:
    """The value of `wanted`, given the stream and the database's URL, with or without a running
    server. Raises CannotStart where one of them is away.
    """
    settings = shared_options.settings()

    async def run(servers: FolderServers) -> T:
        async with _bus(servers, settings) as bus:
            return await wanted(bus, servers.postgres_url)

    with folder_servers.servers(data, settings) as servers:
        try:
            return asyncio.run(run(servers))
        except (PublishRefused, *AWAY) as cause:
            raise CannotStart(f"The bus or the database can't do it: {cause}.") from cause


@asynccontextmanager
async def _bus(servers: FolderServers, settings: EmbeddedSettings) -> AsyncIterator[FactsBus]:
    client = await connect_now(servers.nats_url, "recount stream")
    try:
        async with (
            database.pool(servers.postgres_url, size=3) as pool,
            EventStore.open(servers.postgres_url) as store,
        ):
            keep = settings.facts().keep
            yield FactsBus(store=store, pool=pool, client=client, keep=keep)
    finally:
        await client.close()
