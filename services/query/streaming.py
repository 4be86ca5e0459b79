"""The streaming half of the query service: facts, pulled or sent as they come."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.di import Provide

from services.common.accounts.accounts import Accounts
from services.common.http.app import ServicePart, from_state
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.query.routes import (
    activity_pages,
    audit,
    audit_reads,
    completeness,
    facts,
    organization_audit,
    proofs,
)
from services.query.settings import QuerySettings
from services.query.streams.connection import TIMES, Times
from services.query.streams.follower import BufferLimits
from services.query.streams.streams import StreamLimits, Streams

# Those who catch up read pages, and must not keep other readers waiting.
_CONNECTIONS = 4


def part(settings: QuerySettings, times: Times = TIMES) -> ServicePart:
    """Stands on `foundation`, and on the reading half, which knows how new a read has to be."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bell = Bell(settings.database_url, BELL_CHANNEL)
        accounts: Accounts = app.state.accounts
        async with (
            pool(settings.database_url, size=_CONNECTIONS, name="streams") as connections,
            bell.listening(),
            Streams.open(
                connections,
                bell,
                _limits(settings, times),
                lambda: accounts.edition,
                app.state.stopping,
            ) as streams,
        ):
            app.state.streams = streams
            yield

    return ServicePart(
        handlers=[
            *facts.HANDLERS,
            *audit.HANDLERS,
            *audit_reads.HANDLERS,
            *organization_audit.HANDLERS,
            *proofs.HANDLERS,
            *completeness.HANDLERS,
            *activity_pages.HANDLERS,
        ],
        dependencies={
            "streams": from_state("streams"),
            "chain": Provide(organization_audit.provide_chain),
        },
        lifespans=[lifespan],
    )


def _limits(settings: QuerySettings, times: Times) -> StreamLimits:
    return StreamLimits(
        per_project=settings.streams_per_project,
        per_process=settings.streams_per_process,
        buffer=BufferLimits(settings.stream_buffer_events, settings.stream_buffer_bytes),
        times=times,
    )
