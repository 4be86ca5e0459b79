"""One service as a process of its own: settings, migrations, logs, and an orderly end."""

import gc
import os
import sys
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from litestar import Litestar

from services.common import logs
from services.common.postgres.migrate import migrate
from services.common.settings import InvalidSettings, ServiceSettings, from_environment

# The seconds that requests under way have to end after SIGTERM.
GRACE_SECONDS = 20

# Requests leave next to nothing in cycles. To look for them after every 700 new objects, as Python
# would, takes a twentieth of the time.
OBJECTS_PER_COLLECTION = 10_000

# The seconds that a thread with large work keeps the loop from its turn.
SWITCH_SECONDS = 0.001

S = TypeVar("S", bound=ServiceSettings)


def run(service: str, kind: type[S], create_app: Callable[[S], Litestar]) -> None:
    """Serves until SIGTERM or Ctrl-C; a second signal does not wait for requests any more.

    Exits with one sentence when a setting is missing. The first process to start brings the tables
    up to date; the others wait for that.
    """
    try:
        settings = from_environment(kind, service, os.environ)
        app = create_app(settings)
    except InvalidSettings as cause:
        sys.exit(f"recount {service}: {cause}")
    logs.configure()
    migrate(settings.database_url)
    settle()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `proxies` knows whom to believe
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def settle() -> None:
    """To call before serving: what is loaded by now stays, and the garbage collector leaves it be.

    It would walk all of it whenever a quarter as many objects are new, with nobody answered
    meanwhile (measured: a tenth of the time of a loaded service). Threads give way sooner, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    sys.setswitchinterval(SWITCH_SECONDS)
