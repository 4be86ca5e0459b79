"""The computing half of the query service: the engine, the jobs, and the routes that ask them."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from litestar import Litestar, Response
from litestar.datastructures import State

from services.common.clickhouse import EngineError, QueryLimits, Shards
from services.common.clickhouse.address import shards as shards_of
from services.common.clickhouse.statement import Statement
from services.common.http.app import ServicePart, from_state
from services.common.http.health import PartCheck
from services.common.http.problems import answer
from services.common.http.request import AnyRequest
from services.common.postgres.bell import Bell
from services.query.events.definitions import Definitions
from services.query.events.lookups import Lookups
from services.query.events.placement import shard_of
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
        opening = Shards.open(
            settings.clickhouse_url, partial(shard_of, app.state.pool), _limits(settings)
        )
        async with await opening as shards, bell.listening():
            lookups = Lookups(shards, app.state.pool)
            actors = ActorPages(shards, app.state.pool)
            tools = Tools(shards, app.state.pool, lookups)
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
            app.state.cohort_people = CohortPeople(shards, app.state.pool, lookups)
            app.state.explainer = Explainer(shards, app.state.pool, actors)
            app.state.definitions = Definitions(shards)
            app.state.shards = shards
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
        },
        errors={EngineError: _on_engine_error},
        lifespans=[lifespan],
        checks=_checks(settings.clickhouse_url),
    )


def _limits(settings: QuerySettings) -> QueryLimits:
    """Half of the memory before they spill."""
    return QueryLimits(
        max_execution_seconds=settings.clickhouse_max_seconds,
        max_memory_bytes=settings.clickhouse_max_memory_bytes,
        spill_bytes=settings.clickhouse_max_memory_bytes // 2,
        slow_seconds=settings.slow_seconds,
    )


def _on_engine_error(_: AnyRequest, failed: EngineError) -> Response[bytes]:
    """The refusal that callers of a failed job get."""
    error = job_error(failed)
    return answer(error.status, error.problem)


def _checks(url: str) -> dict[str, PartCheck]:
    """One for each shard: while it is away, computations of its projects are refused."""
    found = shards_of(url)
    names = ["clickhouse"] if len(found) == 1 else [f"clickhouse {each.number}" for each in found]
    return {
        name: PartCheck(partial(_answers, each.number))
        for name, each in zip(names, found, strict=True)
    }


async def _answers(shard: int, state: State) -> None:
    await state.shards.numbered(shard).query(Statement("SELECT 1", {}))
