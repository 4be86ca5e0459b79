"""Results for routes: the result of a query, under a refresh mode."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.insights import NO_RESULT, ResultFields
from contracts.json import NULL
from services.common.accounts.accounts import Accounts, Project
from services.common.http.problems import Rejected, unavailable
from services.common.insights.results.freshness import Age, Refresh, Run, decide, may_refresh
from services.common.insights.results.job import Job, job_body
from services.common.insights.results.kept import KeptResult, shown_fields
from services.common.postgres.database import Pool
from services.query.results import cache, metrics
from services.query.results.cache import NOTHING_SEEN, CacheLookup, Positions
from services.query.results.computation import Computation, Computer, PreparedComputation
from services.query.results.handed import HandedPlans
from services.query.results.ingest_wait import IngestWait
from services.query.results.jobs import Jobs, NewJob

_encoder = msgspec.json.Encoder()

WAIT_SECONDS = 300.0


class ResultRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the result of a query.

    seen: no number is older than that.
    limited: a force_* before next_allowed_client_refresh is answered from the cache.
    checked: whether the events are looked at for warnings, too.
    client_query_id: the client's name for the run. insight_id, dashboard_id: told in the job.
    """

    project: Project
    computation: Computation[Any]
    refresh: Refresh
    seen: Positions = NOTHING_SEEN
    limited: bool = True
    client_query_id: str | None = None
    insight_id: int | None = None
    dashboard_id: int | None = None
    checked: bool = False


class ResultAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """cached: what is shown, if anything. fresh: computed for this request. job: one runs.

    now: when it was looked up, by the database's clock. warnings: see PreparedComputation.
    """

    now: datetime
    cached: KeptResult | None
    fresh: bool = False
    job: Job | None = None
    warnings: tuple[str, ...] = ()

    @property
    def timings(self) -> Raw:
        """The seconds of each part of the computation; empty without a result."""
        return self.cached.result.timings if self.cached else Raw(b"[]")


class Results:
    def __init__(
        self,
        pool: Pool,
        jobs: Jobs,
        computer: Computer,
        handed: HandedPlans,
        accounts: Accounts,
        ingested: IngestWait,
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._computer = computer
        self._handed = handed
        self._accounts = accounts
        self._ingested = ingested

    async def reach(self, seen: Positions) -> None:
        """Until captured events up to there are visible. Raises Rejected 503 when it takes long."""
        await self._ingested.reach(seen.events)

    async def answer(self, asked: ResultRequest) -> ResultAnswer:
        """Raises InvalidQuery; Rejected as the job did, or 503 when it takes too long."""
        await self.reach(asked.seen)
        prepared = await self._computer.prepare(asked.project, asked.computation)
        answered = await self._answer(asked, prepared)
        warnings = prepared.warnings
        if asked.checked and prepared.check is not None:
            warnings += await prepared.check.run()
        return msgspec.structs.replace(answered, warnings=warnings)

    async def _answer(self, asked: ResultRequest, prepared: PreparedComputation) -> ResultAnswer:
        key = asked.computation.key
        team_id = asked.project.id
        found = await cache.look(self._pool, team_id, key, prepared)
        kept = found.kept.cached if found.kept else None
        decision = decide(
            asked.refresh,
            found.age(asked.seen),
            may_refresh=kept is None or not asked.limited or may_refresh(kept.computed, found.now),
        )
        shown = kept if decision.show_cached else None
        match decision.run:
            case Run.NO:
                if shown is not None:
                    metrics.results.labels("hit").inc()
                live = await self._jobs.live(team_id, key, prepared.settings)
                return ResultAnswer(now=found.now, cached=shown, job=live)
            case Run.START:
                job, _ = await self._start(asked, key, prepared)
                return ResultAnswer(now=found.now, cached=shown, job=job)
            case Run.WAIT:
                fresh = await self._computed(asked, key, prepared, found)
                return ResultAnswer(now=fresh.now, cached=_cached(fresh), fresh=True)

    async def kept(self, project: Project, key: bytes) -> Raw:
        """The results alone of what is kept under this key; the document `null` for none."""
        return await cache.body(self._pool, project.id, key, project.settings)

    async def _start(
        self, asked: ResultRequest, key: bytes, prepared: PreparedComputation
    ) -> tuple[Job, bool]:
        new = NewJob(
            team_id=asked.project.id,
            key=key,
            settings=asked.project.settings,
            computation=asked.computation.encoded(),
            insight_id=asked.insight_id,
            dashboard_id=asked.dashboard_id,
            client_query_id=asked.client_query_id,
        )
        # Before the start: a runner here may claim the job before this gets its id.
        self._handed.give(new.id, prepared)
        job, is_ours = await self._jobs.start(new)
        metrics.results.labels("computed" if is_ours else "joined").inc()
        if not is_ours:
            self._handed.take(new.id)
        return job, is_ours

    async def _computed(
        self, asked: ResultRequest, key: bytes, prepared: PreparedComputation, before: CacheLookup
    ) -> CacheLookup:
        """The kept result that a job for this query has left. before: the one that was there when
        it began.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    is_ours = await self._wait(asked, key, prepared)
                    found = await cache.look(self._pool, asked.project.id, key, prepared)
                    if found.kept is None:
                        # The settings have changed meanwhile: no request wants their old numbers.
                        asked = await self._asked_anew(asked)
                        prepared = await self._computer.prepare(asked.project, asked.computation)
                    elif is_ours or _is_enough(found, before, asked.seen):
                        return found
        except TimeoutError as late:
            raise unavailable("The query is still running. Ask again.", 5) from late

    async def _asked_anew(self, asked: ResultRequest) -> ResultRequest:
        self._accounts.forget()
        project = await self._accounts.project(asked.project.id)
        return asked if project is None else msgspec.structs.replace(asked, project=project)

    async def _wait(self, asked: ResultRequest, key: bytes, prepared: PreparedComputation) -> bool:
        """Until a job for this query has succeeded: whether it was started for this request."""
        while True:
            job, is_ours = await self._start(asked, key, prepared)
            ended = await self._jobs.ended(job)
            if ended.error is None:
                return is_ours
            # Another caller's run, which we had joined, was cancelled: ours is still wanted.
            others = ended.cancelled_by not in (None, asked.client_query_id, str(ended.id))
            if not others:
                raise Rejected(ended.error.status, ended.error.problem)


def _cached(found: CacheLookup) -> KeptResult | None:
    return found.kept.cached if found.kept else None


def _is_enough(found: CacheLookup, before: CacheLookup, seen: Positions) -> bool:
    """Of a job that ran already when this request joined it: it may have begun before an event
    came that the request must see, or before an action changed.
    """
    kept = found.kept
    if kept is None or kept.is_outdated:
        return False
    saw_all = kept.reached >= before.visible and kept.facts >= seen.facts
    return saw_all or found.age(seen) is Age.FRESH


def result_fields(answered: ResultAnswer) -> ResultFields:
    """As an insight's body tells them."""
    status = NULL if answered.job is None else Raw(_encoder.encode(job_body(answered.job)))
    cached = answered.cached
    if cached is None:
        return msgspec.structs.replace(NO_RESULT, query_status=status)
    return shown_fields(cached, answered.now, is_cached=not answered.fresh, status=status)
