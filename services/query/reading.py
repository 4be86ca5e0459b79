"""The reading half of the query service: rows of the read models, as bodies."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.di import Provide

from contracts.read_models.projections import PROJECTED_CHANNEL
from services.common.http.app import ServicePart, from_state
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.query.http.visitors import provide_reader
from services.query.problems import REFUSALS
from services.query.reads.all import Reads
from services.query.reads.read_position import Freshness
from services.query.routes import (
    access,
    accounts,
    actions,
    activity,
    activity_log,
    cohorts,
    dashboards,
    definition_pages,
    insights,
    operations,
    pages,
    sharing,
    versions,
    views,
    webhooks,
)
from services.query.settings import QuerySettings

# The similarity of a name that a search finds although it does not contain it: "dahsboard" comes to
# 0.43 for a dashboard, and to 0.36 for dashboards.
SIMILARITY = {"pg_trgm.word_similarity_threshold": "0.35"}


def part(settings: QuerySettings) -> ServicePart:
    """Stands on `foundation`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bell = Bell(settings.database_url, PROJECTED_CHANNEL)
        freshness = Freshness(bell, settings.position_wait_seconds, settings.freshness_wait_seconds)
        async with (
            pool(
                settings.database_url,
                name="query",
                options=SIMILARITY,
                on_connection=app.state.timeline.ask,
            ) as connections,
            bell.listening(),
        ):
            app.state.reads = Reads.over(connections, freshness)
            yield

    return ServicePart(
        handlers=[
            *insights.HANDLERS,
            *activity.HANDLERS,
            *activity_log.HANDLERS,
            *sharing.HANDLERS,
            *accounts.HANDLERS,
            *dashboards.HANDLERS,
            *access.HANDLERS,
            *actions.HANDLERS,
            *cohorts.HANDLERS,
            *versions.HANDLERS,
            *views.HANDLERS,
            *operations.HANDLERS,
            *webhooks.HANDLERS,
            *pages.HANDLERS,
            *definition_pages.HANDLERS,
        ],
        dependencies={
            "reads": from_state("reads"),
            "reader": Provide(provide_reader),
        },
        refusals=REFUSALS,
        lifespans=[lifespan],
    )
