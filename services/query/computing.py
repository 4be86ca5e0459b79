"""The computing half of the query service: the engine, the jobs, and the routes that ask them."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar, Response
from litestar.datastructures import State

from services.common.clickhouse import ClickHouse, EngineError, QueryLimits
from services.common.clickhouse.statement import Statement
from services.common.http.app import ServicePart, from_state
from services.common.http.health import PartCheck
from services.common.http.problems import answer
from services.common.http.request import AnyRequest
from services.common.postgres.bell import Bell
from services.query.events.definitions import Definitions
from services.query.events.lookups import Lookups
from services.query.insights.computed import Tools
from services.query.insights.funnels.explain.explaining import Explainer
from services.query.insights.funnels.people.page import ActorPages
from services.query.insights.kinds import KindsComputer
from services.query.insights.stored_insights import InsightResults
from services.query.people.cohorts import CohortPeople
from services.query.results.handed import HandedPlans
from services.query.results.ingest_wait import IngestWait
from services.query.results.jobs import CHANNEL, Jobs
from services.query.results.runner import JobRunner, job_error
from services.query.results.service import Results
from services.query.routes import (
    cohort_people,
    correlation,
    definitions,
    explaining,
    funnels,
    insight_pages,
    people,
    point_people,
    queries,
    shared,
    trends,
)
from services.query.settings import QuerySettings


def part(settings: QuerySettings) -> ServicePart:
    """Stands on `foundation`. Runs its share of the jobs as long as its application does."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bell = Bell(settings.database_url, CHANNEL)
        limits = QueryLimits(slow_seconds=settings.slow_seconds)
        opened = await ClickHouse.open(settings.clickhouse_url, limits)
        async with opened as clickhouse, bell.listening():
            lookups = Lookups(clickhouse, app.state.pool)
            actors = ActorPages(clickhouse, app.state.pool)
            tools = Tools(clickhouse, app.state.pool, lookups)
            computer = KindsComputer(tools)
            jobs = Jobs(app.state.pool, bell, settings.lease_seconds)
            handed = HandedPlans()
            runner = JobRunner(jobs, computer, handed, app.state.accounts, app.state.pool, bell)
            app.state.jobs = jobs
            ingested = IngestWait(app.state.pool, settings.position_wait_seconds)
            app.state.ingested = ingested
            app.state.results = Results(
                app.state.pool, jobs, computer, handed, app.state.accounts, ingested
            )
            app.state.insight_results = InsightResults(app.state.results)
            app.state.lookups = lookups
            app.state.tools = tools
            app.state.actors = actors
            app.state.cohort_people = CohortPeople(clickhouse, app.state.pool, lookups)
            app.state.explainer = Explainer(clickhouse, app.state.pool, actors)
            app.state.definitions = Definitions(clickhouse)
            app.state.clickhouse = clickhouse
            async with jobs.watching(), runner.working():
                yield

    return ServicePart(
        handlers=[
            *funnels.HANDLERS,
            *trends.HANDLERS,
            *correlation.HANDLERS,
            *people.HANDLERS,
            *point_people.HANDLERS,
            *explaining.HANDLERS,
            *cohort_people.HANDLERS,
            *queries.HANDLERS,
            *definitions.HANDLERS,
            *shared.HANDLERS,
            *insight_pages.HANDLERS,
        ],
        dependencies={
            "jobs": from_state("jobs"),
            "results": from_state("results"),
            "ingested": from_state("ingested"),
            "insight_results": from_state("insight_results"),
            "lookups": from_state("lookups"),
            "tools": from_state("tools"),
            "actors": from_state("actors"),
            "cohort_people": from_state("cohort_people"),
            "explainer": from_state("explainer"),
            "definitions": from_state("definitions"),
            "clickhouse": from_state("clickhouse"),
        },
        errors={EngineError: _on_engine_error},
        lifespans=[lifespan],
        checks={"clickhouse": PartCheck(_clickhouse)},
    )


def _on_engine_error(_: AnyRequest, failed: EngineError) -> Response[bytes]:
    """The refusal that callers of a failed job get."""
    error = job_error(failed)
    return answer(error.status, error.problem)


async def _clickhouse(state: State) -> None:
    await state.clickhouse.query(Statement("SELECT 1", {}))
