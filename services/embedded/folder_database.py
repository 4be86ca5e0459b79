"""The database of a data folder for commands, whether or not a server runs on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.postgres.migrate import migrate, migrate_alone
from services.embedded import datadir, postgres
from services.embedded.settings import EmbeddedSettings


@contextmanager
def database(data: Path, settings: EmbeddedSettings) -> Iterator[str]:
    """URL of the migrated database: the configured one, the running server's, or one of our own.

    Ours runs as long as the block, and keeps the data folder to itself for that time. No folder is
    made: raises CannotStart where there is none.
    """
    if settings.postgres_url is not None:
        migrate(settings.postgres_url)
        yield settings.postgres_url
        return
    running = datadir.find(data)
    if running is not None:
        yield running.postgres_url
        return
    with datadir.claim(data) as folder:
        server = postgres.start(folder.path / "postgres", folder.account)
        try:
            migrate_alone(server.url)
            yield server.url
        finally:
            server.stop()
