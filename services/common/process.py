"""One service as a process of its own: settings, migrations, logs, and an orderly end."""

import asyncio
import contextlib
import gc
import importlib.metadata
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import uvicorn
from litestar import Litestar

from services.common import logs, tracing
from services.common.http.app import STOPPING
from services.common.http.cutting import CuttableProtocol
from services.common.postgres.arrival import DatabaseNotThere, await_tables
from services.common.postgres.migrate import NewerTables, migrations
from services.common.settings import (
    InvalidSettings,
    ServiceSettings,
    Settings,
    from_environment,
    unknown,
)

# The seconds that requests under way have to end after SIGTERM.
GRACE_SECONDS = 20

# The exit code when the database's tables are of a newer Recount: starting again helps nobody.
TABLES_ARE_NEWER = 2
# The exit code when the application could not be opened, as uvicorn has it.
_NOT_STARTED = 3

# Requests leave next to nothing in cycles. To look for them after every 700 new objects, as Python
# would, takes a twentieth of the time.
OBJECTS_PER_COLLECTION = 10_000

# The seconds that a thread with large work keeps the loop from its turn.
SWITCH_SECONDS = 0.001

S = TypeVar("S", bound=ServiceSettings)

log = logs.logger("recount.process")


def run(service: str, kind: type[S], create_app: Callable[[S], Litestar]) -> None:
    """Serves until SIGTERM or Ctrl-C; a second signal does not wait for requests any more.

    Exits with one sentence: 1 when a setting is missing or PostgreSQL does not come, 2 when its
    tables are of a newer Recount.
    """
    try:
        settings = from_environment(kind, service, os.environ)
        app = create_app(settings)
    except InvalidSettings as cause:
        sys.exit(f"recount {service}: {cause}")
    logs.configure()
    tell_unknown(kind, service)
    try:
        await_tables(
            settings.database_url,
            may_change=settings.migrate,
            patience_seconds=settings.start_patience_seconds,
        )
    except DatabaseNotThere as cause:
        sys.exit(f"recount {service}: {cause}")
    except NewerTables as cause:
        print(f"recount {service}: {cause}", file=sys.stderr)
        sys.exit(TABLES_ARE_NEWER)
    log.info(
        "service_starts",
        service=service,
        version=importlib.metadata.version("recount"),
        address=f"{settings.host}:{settings.port}",
        tables=migrations()[-1].number,
    )
    tracing.start(service, os.environ)
    settle()
    server = Server(app, GRACE_SECONDS, host=settings.host, port=settings.port, loop="uvloop")
    # The second signal.
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    tracing.stop()
    if not server.started:
        sys.exit(_NOT_STARTED)


def tell_unknown(kind: type[Settings], service: str) -> None:
    """A line about variables that look like settings and are none: a word that is misspelled would
    leave a default where nobody expects it.
    """
    if names := unknown(kind, service, os.environ):
        log.warning("settings_unknown", names=names)


class Server(uvicorn.Server):
    """uvicorn, in the one way that we run it. It tells the application that it stops before it
    waits for requests under way, so that streams end themselves.

    grace_seconds: that these have.
    """

    def __init__(self, app: Litestar, grace_seconds: int, **config: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=CuttableProtocol,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # `proxies` knows whom to believe
                timeout_graceful_shutdown=grace_seconds,
                **config,
            )
        )
        self._stopping: asyncio.Event = app.state[STOPPING]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


def settle() -> None:
    """To call before serving: what is loaded by now stays, and the garbage collector leaves it be.

    It would walk all of it whenever a quarter as many objects are new, with nobody answered
    meanwhile (measured: a tenth of the time of a loaded service). Threads give way sooner, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    sys.setswitchinterval(SWITCH_SECONDS)
