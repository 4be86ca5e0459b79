"""A process says that it runs, of which release it is, and which facts it can read."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import psycopg
from litestar import Litestar

from services.common.http.app import ServicePart
from services.common.postgres.database import CONNECTION_LOST, NOTICED
from services.common.postgres.migrate import migrations
from services.common.postgres.releases import (
    LIVES_SECONDS,
    SIGN_OFF,
    SIGN_UP,
    kinds,
    version,
)
from services.common.tasks import background, every, passing_over

BEAT_SECONDS = LIVES_SECONDS / 6


class NewerFacts(Exception):
    """Facts are written that this release can't read."""

    def __init__(self, unknown: list[str]) -> None:
        super().__init__(
            f"Facts are written that only a newer Recount can read: {', '.join(unknown)}."
        )


def present(database_url: str, service: str) -> ServicePart:
    """Opened before anything follows the log. Raises NewerFacts as it is opened."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        values = {
            "id": uuid4(),
            "service": service,
            "version": version(),
            "tables": migrations()[-1].number,
            "kinds": list(kinds()),
        }
        if unknown := await _say(database_url, values):
            await _leave(database_url, values)
            raise NewerFacts(unknown)
        say = partial(_say, database_url, values)
        saying = every(BEAT_SECONDS, say, away=CONNECTION_LOST, first_after=BEAT_SECONDS)
        try:
            async with background("presence", saying):
                yield
        finally:
            with passing_over("presence: leave", *CONNECTION_LOST):
                await _leave(database_url, values)

    return ServicePart(handlers=(), lifespans=[lifespan])


async def _say(url: str, values: dict[str, object]) -> list[str]:
    """The kinds of facts that are written and that we can't read."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **NOTICED) as conn:
        return [kind for (kind,) in await (await conn.execute(SIGN_UP, values)).fetchall()]


async def _leave(url: str, values: dict[str, object]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **NOTICED) as conn:
        await conn.execute(SIGN_OFF, (values["id"],))
