"""The recording half of the query service: what the others answer is a read, and told as one."""

import contextlib
from collections.abc import AsyncIterator, Callable

from litestar import Litestar

from services.common.http.app import ServicePart
from services.common.http.proxies import TrustedProxies
from services.query.reads_trail.trail import ReadTrail
from services.query.settings import QuerySettings


def part(
    settings: QuerySettings,
    proxies: TrustedProxies,
    crash_at: Callable[[str], None] = lambda point: None,
) -> ServicePart:
    """Stands on `foundation`. Opened before whatever is answered, so that it is closed after it.

    proxies: who may say whose address a client has. crash_at: see `Spool`.
    """
    trail = ReadTrail(settings.reads_options(), proxies)

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with trail.open(app.state, crash_at):
            yield

    return ServicePart(handlers=[], lifespans=[lifespan], recorders=[trail.recorded])
