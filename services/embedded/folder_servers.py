"""The database and the bus of a data folder for commands, whether or not a server runs on it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from services.common.postgres.migrate import migrate
from services.embedded import datadir, nats, postgres
from services.embedded.settings import EmbeddedSettings


class FolderServers(msgspec.Struct, frozen=True):
    """Where they are. The URLs carry secrets."""

    postgres_url: str
    nats_url: str


@contextmanager
def servers(data: Path, settings: EmbeddedSettings) -> Iterator[FolderServers]:
    """The configured ones, the running server's, or ones of our own, which run as long as the
    block and keep the data folder to themselves for that time.

    The database is migrated. No folder is made: raises CannotStart where there is none.
    """
    postgres_url, nats_url = settings.postgres_url, settings.nats_url
    with ExitStack() as started:
        if postgres_url is None or nats_url is None:
            running = datadir.find(data)
            if running is not None:
                postgres_url = postgres_url or running.postgres_url
                nats_url = nats_url or running.nats_url
            else:
                folder = started.enter_context(datadir.claim(data))
                if postgres_url is None:
                    database = postgres.start(folder.path / "postgres", folder.account)
                    started.callback(database.stop)
                    postgres_url = database.url
                if nats_url is None:
                    bus = nats.start(folder.path / "nats", folder.account)
                    started.callback(bus.stop)
                    nats_url = bus.url
        migrate(postgres_url)
        yield FolderServers(postgres_url, nats_url)
