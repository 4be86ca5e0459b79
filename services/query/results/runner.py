"""Runs jobs: claims what waits, says it is alive, keeps the result and tells everybody."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from psycopg import Rollback

from contracts.queries.errors import InvalidQuery
from services.common.accounts.accounts import Accounts
from services.common.clickhouse import (
    BadPattern,
    EngineError,
    QueryCancelled,
    QueryTimeout,
    QueryTooLarge,
    StatementTooLarge,
)
from services.common.http.problems import DEFECT, Problem
from services.common.insights.results.job import CANCELLED, Job, JobError
from services.common.insights.results.kept import Result
from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import background, describe, every, stop, watched
from services.query.results import cache, metrics
from services.query.results.computation import Computer, PreparedComputation, decoded, kind_of
from services.query.results.handed import HandedPlans
from services.query.results.jobs import FINISH, IS_THERE, POLL_SECONDS, Jobs

log = logger("recount.results")

AT_ONCE = 4
FORGET_EVERY_SECONDS = 3600.0
REPORT_SECONDS = 5.0


class JobRunner:
    """This process's share of the jobs. Jobs that a dead process had claimed are taken over by
    others.
    """

    def __init__(
        self,
        jobs: Jobs,
        computer: Computer,
        handed: HandedPlans,
        accounts: Accounts,
        pool: Pool,
        bell: Bell,
    ) -> None:
        self._jobs = jobs
        self._computer = computer
        self._handed = handed
        self._accounts = accounts
        self._pool = pool
        self._bell = bell
        self._running: dict[UUID, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Jobs are run while the block runs; those under way at its end are left to others."""
        with self._bell.listener() as rung:
            claim, away = partial(self._claim, rung), CONNECTION_LOST
            claiming = every(POLL_SECONDS, claim, rung=rung, away=away)
            renewing = every(self._jobs.lease_seconds / 3, self._stop_what_ended, away=away)
            reporting = every(REPORT_SECONDS, self._report, away=away)
            forgetting = every(FORGET_EVERY_SECONDS, self._jobs.forget_expired, away=away)
            try:
                async with (
                    background("jobs: claim", claiming),
                    background("jobs: renew", renewing),
                    background("jobs: forget", forgetting),
                    background("jobs: report", reporting),
                ):
                    yield
            finally:
                # Nothing is claimed any more: these are all.
                await asyncio.gather(*(stop(task) for task in tuple(self._running.values())))

    async def _claim(self, rung: asyncio.Event) -> None:
        await self._stop_what_ended()
        free = AT_ONCE - len(self._running)
        running = list(self._running)
        for job in await self._jobs.claim(free, running) if free else []:
            task = watched("job", self._run(job))
            self._running[job.id] = task
            task.add_done_callback(partial(self._done, job.id, rung))

    async def _report(self) -> None:
        for state, count in (await self._jobs.states()).items():
            metrics.jobs.labels(state).set(count)

    def _done(self, job_id: UUID, rung: asyncio.Event, _: "asyncio.Task[None]") -> None:
        self._running.pop(job_id, None)
        rung.set()

    async def _stop_what_ended(self) -> None:
        """The job was cancelled, or taken over: the engine need not go on."""
        if not self._running:
            return
        wanted = await self._jobs.renew(list(self._running))
        for job_id, task in self._running.items():
            if job_id not in wanted:
                task.cancel()

    async def _run(self, job: Job) -> None:
        """Raises nothing that it foresees: this task is not awaited."""
        try:
            await self._compute(job)
        except CONNECTION_LOST as lost:
            # The lease ends by itself, and the job is run again.
            log.warning("job_left", job_id=str(job.id), cause=describe(lost))

    async def _compute(self, job: Job) -> None:
        began = time.monotonic()
        with metrics.job_seconds.labels(kind_of(job.computation)).time():
            await self._compute_timed(job, began)

    async def _compute_timed(self, job: Job, began: float) -> None:
        try:
            start = await cache.start(self._pool, job.team_id)
            prepared = await self._prepare(job)
            result = await prepared.work.run(str(job.id))
            await self._keep(job, prepared, result, start, time.monotonic() - began)
        except (InvalidQuery, EngineError) as refused:
            await self._jobs.fail(job, job_error(refused))
        except cache.EventsRestoring:
            await self._jobs.fail(job, _RESTORING)
        except CONNECTION_LOST:
            raise
        except Exception as defect:
            # Without an answer its callers would wait for ever.
            log.error("job_failed", job_id=str(job.id), exc_info=defect)
            await self._jobs.fail(job, _DEFECT)

    async def _prepare(self, job: Job) -> PreparedComputation:
        handed = self._handed.take(job.id)
        if handed is not None:
            return handed
        project = await self._accounts.project(job.team_id)
        if project is not None and project.settings != job.settings:
            # One process has heard of a change before another: the caller's before this one, or
            # not.
            self._accounts.forget()
            project = await self._accounts.project(job.team_id)
        if project is None:
            raise InvalidQuery(None, "invalid_input", "The project does not exist any more.")
        return await self._computer.prepare(project, decoded(job.computation))

    async def _keep(
        self,
        job: Job,
        prepared: PreparedComputation,
        result: Result,
        start: cache.Start,
        seconds: float,
    ) -> None:
        """Result and end of the job in one transaction: every waiter finds the result.

        A job that is not there any more was dropped by an erasure: its result may hold what went.

        Raises EventsRestoring.
        """
        async with self._pool.connection() as conn, conn.transaction():
            await cache.require_undisturbed(conn, job.team_id, start)
            await cache.put(conn, job.team_id, job.key, result, prepared, start, seconds)
            await conn.execute(FINISH, {"id": job.id, "error": None})
            there = await conn.execute(IS_THERE, (job.id,))
            if await there.fetchone() is None:
                raise Rollback


_DEFECT = JobError(500, DEFECT)
_RESTORING = JobError(
    503,
    Problem(
        type="server_error",
        code="unavailable",
        detail="Captured events are being stored again. Ask again in a few seconds.",
    ),
)


def job_error(refused: InvalidQuery | EngineError) -> JobError:
    """The error of a job whose computation did not succeed, for its callers."""
    match refused:
        case InvalidQuery():
            return JobError(
                400,
                Problem(
                    type="validation_error",
                    code=refused.code,
                    detail=refused.detail,
                    attr=refused.attr,
                ),
            )
        case QueryCancelled():
            return CANCELLED
        case QueryTimeout():
            return JobError(
                504,
                Problem(
                    type="server_error",
                    code="query_timeout",
                    detail="The query took too long. Try a shorter date range,"
                    " or fewer steps or series.",
                ),
            )
        case QueryTooLarge():
            return JobError(
                400,
                Problem(
                    type="validation_error",
                    code="query_too_large",
                    detail="The query needs more memory than it may have."
                    " Try a shorter date range or sampling.",
                ),
            )
        case StatementTooLarge():
            return JobError(
                400,
                Problem(
                    type="validation_error",
                    code="query_too_large",
                    detail="The query has too many steps or series, filters and values together."
                    " Use fewer of them, or a cohort or an action in their place.",
                ),
            )
        case BadPattern(fault=fault):
            pattern, why = fault or ("", "it can't be compiled")
            return JobError(
                400,
                Problem(
                    type="validation_error",
                    code="invalid_input",
                    detail=f"Invalid regular expression '{pattern[:100]}': {why}.",
                    attr="properties",
                ),
            )
        case _:
            log.error("statement_refused", cause=describe(refused))
            return JobError(
                503,
                Problem(
                    type="server_error",
                    code="unavailable",
                    detail="The query could not be run. Try again.",
                ),
            )
