"""A data folder whose servers a command starts for itself: nobody may serve it meanwhile."""

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import nats.errors
import nats.js.errors
import psycopg

from services.common.clickhouse import embedded_url
from services.common.postgres.migrate import migrate_alone
from services.common.stream import StreamUnavailable, capture_stream, connect_now
from services.embedded import datadir, postgres
from services.embedded import nats as bus
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings
from services.embedded.welcome import FirstStartProgress

_REACHED = "SELECT reached FROM ingest_progress WHERE stream = %s"


class StoppedFolder(msgspec.Struct, frozen=True):
    """path: of the folder. The URLs carry secrets; nats_url: None where NATS was not asked for."""

    path: Path
    postgres_url: str
    clickhouse_url: str
    nats_url: str | None


@contextmanager
def stopped(
    data: Path, settings: EmbeddedSettings, *, may_make: bool = False, with_nats: bool = False
) -> Iterator[StoppedFolder]:
    """PostgreSQL, and NATS if wanted, run as long as the block; the database is migrated.

    may_make: the folder is made where it is new, with no demo data. Raises CannotStart.
    """
    if settings.clickhouse_url is not None or settings.postgres_url is not None:
        raise CannotStart(
            "This works on a data folder, and RECOUNT_EMBEDDED_POSTGRES_URL or _CLICKHOUSE_URL"
            " names servers elsewhere."
        )
    is_new = may_make and datadir.is_new(datadir.whole(data))
    if not is_new and (running := datadir.find(data)) is not None:
        raise CannotStart(
            f"{running.url} serves {data} and has its product events open: stop it first, and start"
            f" it again afterwards (`recount serve --data-dir {shlex.quote(str(data))}`)."
        )
    with ExitStack() as started:
        folder = started.enter_context(datadir.claim(data))
        database = postgres.start(folder.path / "postgres", folder.account)
        started.callback(database.stop)
        nats_url = None
        if with_nats:
            server = bus.start(folder.path / "nats", folder.account)
            started.callback(server.stop)
            nats_url = server.url
        migrate_alone(database.url)
        if is_new:
            _begun(folder.path)
        yield StoppedFolder(folder.path, database.url, embedded_url(folder.path / "chdb"), nats_url)


async def refuse_waiting(folder: StoppedFolder) -> None:
    """Raises CannotStart while captured events wait to be stored: they would be left out."""
    if folder.nats_url is None:
        raise AssertionError("NATS was not asked for")
    last = await captured(folder.nats_url)
    with psycopg.connect(folder.postgres_url) as conn:
        (reached,) = conn.execute(_REACHED, (capture_stream(),)).fetchone() or (0,)
    if last > reached:
        raise CannotStart(
            f"{last - reached:,} captured messages are not stored yet. `recount serve` stores them"
            " within seconds; then try again."
        )


async def captured(nats_url: str) -> int:
    """The last sequence of the captured events; 0: none was ever captured."""
    try:
        client = await connect_now(nats_url, "recount command")
        try:
            info = await client.jetstream().stream_info(capture_stream())
        except nats.js.errors.NotFoundError:
            return 0
        finally:
            await client.close()
    except (StreamUnavailable, nats.errors.Error, nats.js.errors.Error, OSError) as cause:
        raise CannotStart(f"NATS does not answer: {cause}") from cause
    return int(info.state.last_seq)


def _begun(path: Path) -> None:
    """The first start finds people and a project, and makes neither; nor any demo data."""
    progress = FirstStartProgress(started_at=datetime.now(UTC).replace(microsecond=0), demo=False)
    (path / "first-start.json").write_bytes(msgspec.json.encode(progress))
