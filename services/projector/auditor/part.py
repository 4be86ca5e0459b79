"""The auditor, wired into an application."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Litestar
from litestar.datastructures import State

from services.common.http.app import ServicePart
from services.common.http.health import NotReady, PartCheck, PartDegraded
from services.common.postgres.database import pool
from services.common.tasks import background, failure
from services.projector.auditor import state as states
from services.projector.auditor.auditor import Auditor
from services.projector.projection import Projection

READERS = 1


def part(
    database_url: str, projections: Sequence[Projection[Any]], facts_per_second: int
) -> ServicePart:
    """No routes: it audits as long as the application runs. Of any number of processes one does.

    facts_per_second: 0: it does not, and whoever asks is told so.
    """

    @contextlib.asynccontextmanager
    async def auditing(app: Litestar) -> AsyncIterator[None]:
        async with pool(database_url, size=READERS, name="auditor") as connections:
            app.state.auditor_pool = connections
            app.state.auditor = None
            if not facts_per_second:
                async with connections.connection() as conn:
                    await states.set_pace(conn, 0)
                yield
                return
            auditor = Auditor(database_url, projections, per_second=facts_per_second)
            async with background("auditor", auditor.run()) as task:
                app.state.auditor = task
                yield

    return ServicePart(handlers=(), lifespans=(auditing,), checks={"auditor": PartCheck(_auditor)})


async def _auditor(state: State) -> None:
    """What any process has found: rows that are not righted yet, a log that does not verify."""
    if state.auditor is None:
        return
    if state.auditor.done():
        raise PartDegraded(f"nothing is audited any more: {failure(state.auditor)}")
    async with state.auditor_pool.connection() as conn:
        found = await states.state(conn)
    if found.broken is not None:
        raise NotReady(f"the log is not what was written: {found.broken}")
    if found.unhealed:
        raise PartDegraded(f"{found.unhealed} rows are not as the log tells them")
