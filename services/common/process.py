"""One service as a process of its own: settings, migrations, logs, and an orderly end."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from litestar import Litestar

from services.common import logs
from services.common.migrate import migrate
from services.common.settings import InvalidSettings, ServiceSettings, from_environment

# How long requests under way may take to end after SIGTERM.
GRACE_SECONDS = 20


S = TypeVar("S", bound=ServiceSettings)


def run(service: str, kind: type[S], create_app: Callable[[S], Litestar]) -> None:
    """Serves until SIGTERM or Ctrl-C; a second signal does not wait for requests any more.

    Exits with one sentence when a setting is missing. Whoever starts first brings the tables up to
    date; the others wait for that.
    """
    try:
        settings = from_environment(kind, service, os.environ)
        app = create_app(settings)
    except InvalidSettings as cause:
        sys.exit(f"recount {service}: {cause}")
    logs.configure()
    migrate(settings.database_url)
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
