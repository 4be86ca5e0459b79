"""What routes ask: the result of a query, under a refresh mode."""

import asyncio
from datetime import UTC, datetime
from typing import assert_never

import msgspec
from msgspec import Raw

from contracts.api.insights import NO_RESULT, ResultFields
from contracts.json import NULL
from contracts.queries.canonical import query_key
from services.common.accounts import Project
from services.common.database import Pool
from services.common.problems import Rejected, unavailable
from services.common.results.freshness import (
    Refresh,
    Run,
    age_of,
    decide,
    next_refresh,
)
from services.common.results.job import Job, job_body
from services.common.results.kept import Cached, shown_fields
from services.query.results import cache
from services.query.results.computation import (
    ActorsComputation,
    Computation,
    Computer,
    CorrelationComputation,
    FunnelComputation,
)
from services.query.results.jobs import Jobs, NewJob

_encoder = msgspec.json.Encoder()

WAIT_SECONDS = 300.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants of a query.

    limited: a force_* before next_allowed_client_refresh is answered from the cache.
    client_query_id: the client's name for the run. insight_id, dashboard_id: told in the job.
    """

    project: Project
    computation: Computation
    refresh: Refresh
    limited: bool = True
    client_query_id: str | None = None
    insight_id: int | None = None
    dashboard_id: int | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """cached: what is shown, if anything. fresh: computed for this request. job: one runs."""

    cached: Cached | None
    fresh: bool = False
    job: Job | None = None

    @property
    def timings(self) -> Raw:
        """How long each part of the computation took; empty without a result."""
        return self.cached.result.timings if self.cached else Raw(b"[]")


class Results:
    def __init__(self, pool: Pool, jobs: Jobs, computer: Computer) -> None:
        self._pool = pool
        self._jobs = jobs
        self._computer = computer

    async def answer(self, asked: Asked) -> Answered:
        """Raises InvalidQuery; Rejected as the job did, or 503 when it takes too long."""
        prepared = await self._computer.prepare(asked.project, asked.computation)
        key = computation_key(asked.computation)
        team_id = asked.project.id
        known = await cache.get(self._pool, team_id, key, prepared.dependencies)
        now = datetime.now(UTC)
        computed = known.computed if known else None
        decision = decide(
            asked.refresh,
            age_of(computed, now),
            may_refresh=computed is None or not asked.limited or now >= next_refresh(computed),
        )
        shown = known if decision.show_cached else None
        match decision.run:
            case Run.NO:
                live = await self._jobs.live(team_id, key)
                return Answered(cached=shown, job=live)
            case Run.START:
                return Answered(cached=shown, job=await self._start(asked, key))
            case Run.WAIT:
                await self._wait(asked, key)
                fresh = await cache.get(self._pool, team_id, key, prepared.dependencies)
                return Answered(cached=fresh, fresh=True)

    async def kept(self, team_id: int, key: bytes) -> Raw:
        """The results alone of what is kept under this key; the document `null` for none."""
        found = await cache.get(self._pool, team_id, key, None)
        return found.result.results if found else NULL

    async def _start(self, asked: Asked, key: bytes) -> Job:
        return await self._jobs.start(
            NewJob(
                team_id=asked.project.id,
                key=key,
                computation=_encoder.encode(asked.computation),
                insight_id=asked.insight_id,
                dashboard_id=asked.dashboard_id,
                client_query_id=asked.client_query_id,
            )
        )

    async def _wait(self, asked: Asked, key: bytes) -> None:
        """Until a job for this query has succeeded."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    job = await self._jobs.ended(await self._start(asked, key))
                    if job.error is None:
                        return
                    # Somebody else's run, which we had joined, was cancelled: ours is still wanted.
                    others = job.cancelled_by not in (None, asked.client_query_id, str(job.id))
                    if not others:
                        raise Rejected(job.error.status, job.error.problem)
        except TimeoutError as late:
            raise unavailable("The query is still running. Ask again.", 5) from late


def computation_key(computation: Computation) -> bytes:
    """What the result is kept under."""
    match computation:
        case FunnelComputation(query=query, legacy=legacy, include=include):
            return query_key(query, _asked_as(legacy, include))
        case ActorsComputation(query=query):
            return query_key(query)
        case CorrelationComputation(query=query, legacy=legacy, include=include):
            return query_key(query, _asked_as(legacy, include))
        case _:
            assert_never(computation)


def _asked_as(legacy: bool, include: tuple[str, ...]) -> str:
    return " ".join(["legacy" if legacy else "node", *sorted(include)])


def result_fields(answered: Answered) -> ResultFields:
    """As an insight's body tells them."""
    status = NULL if answered.job is None else Raw(_encoder.encode(job_body(answered.job)))
    cached = answered.cached
    if cached is None:
        return msgspec.structs.replace(NO_RESULT, query_status=status)
    return shown_fields(cached, is_cached=not answered.fresh, status=status)
