"""Jobs: one computation per query of a project however many ask, in whichever process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import args_row

from services.common.insights.results.job import CANCELLED, COLUMNS, Job, JobError, of_row
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.settings import LEASE_SECONDS, LONGEST_LEASE_SECONDS
from services.common.tasks import background, every
from services.query.results import metrics

CHANNEL = "recount_jobs"
KEPT_DAYS = 30
POLL_SECONDS = 1.0


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a job. client_query_id: the client's own name for it.

    id: of the job, if it is a new one. settings: of its project when it was asked for, see
    Project.settings.
    """

    id: UUID = msgspec.field(default_factory=uuid4)
    team_id: int
    key: bytes
    settings: bytes
    computation: bytes
    insight_id: int | None = None
    dashboard_id: int | None = None
    client_query_id: str | None = None


# Joins the live job of the same query under the same settings, if there is one: the update only
# makes it come back.
_START = f"""
    WITH job AS (
        INSERT INTO jobs (
            id, team_id, key, settings, computation, insight_id, dashboard_id, start_time,
            expiration_time
        )
        VALUES (
            %(id)s, %(team_id)s, %(key)s, %(settings)s, %(computation)s, %(insight_id)s,
            %(dashboard_id)s, clock_timestamp(),
            clock_timestamp() + make_interval(days => %(kept_days)s)
        )
        ON CONFLICT (team_id, key, settings) WHERE end_time IS NULL
            DO UPDATE SET expiration_time = excluded.expiration_time
        RETURNING {COLUMNS}
    ), named AS (
        INSERT INTO job_clients (team_id, client_query_id, job_id)
        SELECT team_id, %(client_query_id)s, id FROM job WHERE %(client_query_id)s::text IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT job.* FROM job CROSS JOIN pg_notify('{CHANNEL}', '')"""

# A job's name in a path or a body: its own id, or the name that its client gave.
_MEANT = """ANY(array_append(ARRAY(
        SELECT job_id FROM job_clients
        WHERE team_id = %(team_id)s AND client_query_id = %(name)s
    ), %(id)s::uuid))"""

_GET = f"""
    SELECT {COLUMNS} FROM jobs WHERE team_id = %(team_id)s AND id = {_MEANT}
    ORDER BY number DESC LIMIT 1"""
_LIVE = f"""
    SELECT {COLUMNS} FROM jobs
    WHERE team_id = %(team_id)s AND key = %(key)s AND settings = %(settings)s
        AND end_time IS NULL"""
_ENDED = f"SELECT {COLUMNS} FROM jobs WHERE id = ANY(%s) AND end_time IS NOT NULL"

# A lease longer than any that is given, by whichever release, was given by a clock that was ahead,
# and was set right.
_CLAIM = f"""
    UPDATE jobs SET
        pickup_time = coalesce(pickup_time, clock_timestamp()),
        lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
    WHERE id IN (
        SELECT id FROM jobs
        WHERE end_time IS NULL AND NOT id = ANY(%(running)s) AND (
            lease_until IS NULL OR lease_until NOT BETWEEN clock_timestamp()
                AND clock_timestamp() + make_interval(secs => %(longest_seconds)s)
        )
        ORDER BY number LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    RETURNING pickup_time < statement_timestamp(), {COLUMNS}"""

_STATES = """
    SELECT count(*) FILTER (WHERE pickup_time IS NULL), count(pickup_time) FROM jobs
    WHERE end_time IS NULL"""

_RENEW = """
    UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
    WHERE id = ANY(%(ids)s) AND end_time IS NULL
    RETURNING id"""

_CANCEL = f"""
    WITH ended AS (
        UPDATE jobs SET end_time = clock_timestamp(), error = %(error)s,
            cancelled_by = CASE id WHEN %(id)s THEN id::text ELSE %(name)s END
        WHERE team_id = %(team_id)s AND end_time IS NULL AND id = {_MEANT}
        RETURNING id
    )
    SELECT count(*), pg_notify('{CHANNEL}', '') FROM ended"""

FINISH = f"""
    WITH ended AS (
        UPDATE jobs SET end_time = clock_timestamp(), error = %(error)s
        WHERE id = %(id)s AND end_time IS NULL
        RETURNING id
    )
    SELECT count(*), pg_notify('{CHANNEL}', '') FROM ended"""

# By an erasure: what they compute may have what was erased.
_DROPPED = """
    SELECT id FROM unnest(%s::uuid[]) AS awaited (id)
    WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = awaited.id)"""
DROPPED = "dropped"

# Waits for whoever is about to delete it.
IS_THERE = "SELECT FROM jobs WHERE id = %s FOR KEY SHARE"

# Nothing ends tomorrow, but by a clock that was ahead.
_FORGET = """
    DELETE FROM jobs WHERE expiration_time < clock_timestamp()
        OR end_time > clock_timestamp() + interval '1 day'"""


class Jobs:
    """The table of jobs, and everybody in this process who waits for one.

    lease_seconds: for which a claimed job is this process's, unless it is renewed.
    """

    def __init__(self, pool: Pool, bell: Bell, lease_seconds: float = LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._pool = pool
        self._bell = bell
        self._awaited: dict[UUID, asyncio.Future[Job | None]] = {}

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Wakes those who wait for a job at its end, while the block runs."""
        with self._bell.listener() as rung:
            telling = every(POLL_SECONDS, self._tell, rung=rung, away=CONNECTION_LOST)
            async with background("jobs: tell", telling):
                yield

    async def start(self, new: NewJob) -> tuple[Job, bool]:
        """A job for this query, and whether it is a new one; else it is live already."""
        (job,) = await self._select(_START, {"kept_days": KEPT_DAYS, **msgspec.structs.asdict(new)})
        return job, job.id == new.id

    async def get(self, team_id: int, name: str) -> Job | None:
        """The job of this id, or the newest that a client gave this name."""
        found = await self._select(_GET, _meant(team_id, name))
        return found[0] if found else None

    async def live(self, team_id: int, key: bytes, settings: bytes) -> Job | None:
        """The job of this query, under these settings, that has not ended."""
        values = {"team_id": team_id, "key": key, "settings": settings}
        found = await self._select(_LIVE, values)
        return found[0] if found else None

    async def ended(self, job: Job) -> Job:
        """The job when it has ended, however long that takes.

        One that was dropped meanwhile is as if another caller had cancelled it.
        """
        future = self._awaited.get(job.id)
        if future is None:
            future = self._awaited[job.id] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda _: self._awaited.pop(job.id, None))
            # It may have ended between its start and now.
            await self._tell()
        ended = await asyncio.shield(future)
        if ended is None:
            return msgspec.structs.replace(job, error=CANCELLED, cancelled_by=DROPPED)
        return ended

    async def claim(self, limit: int, running: list[UUID]) -> list[Job]:
        """Jobs that no process runs, oldest first; ours until the lease ends. running: by us."""
        values = {
            "lease_seconds": self.lease_seconds,
            "longest_seconds": LONGEST_LEASE_SECONDS,
            "limit": limit,
            "running": running,
        }
        claimed = args_row(_claimed)
        async with self._pool.connection() as conn, conn.cursor(row_factory=claimed) as cursor:
            await cursor.execute(_CLAIM, values)
            found = await cursor.fetchall()
        metrics.lease_lost.inc(sum(taken_over for taken_over, _ in found))
        return [job for _, job in found]

    async def states(self) -> dict[str, int]:
        """How many wait, and how many run, in all processes."""
        async with self._pool.connection() as conn:
            row = await (await conn.execute(_STATES)).fetchone()
        waiting, running = row or (0, 0)
        return {"waiting": waiting, "running": running}

    async def renew(self, ids: list[UUID]) -> set[UUID]:
        """The ids of our jobs that are still wanted, with a new lease."""
        async with self._pool.connection() as conn:
            values = {"lease_seconds": self.lease_seconds, "ids": ids}
            cursor = await conn.execute(_RENEW, values)
            return {job_id for (job_id,) in await cursor.fetchall()}

    async def cancel(self, team_id: int, name: str) -> None:
        """End the job of this id, or all that run under this name of a client's."""
        await self._execute(_CANCEL, _meant(team_id, name) | {"error": _error(CANCELLED)})

    async def fail(self, job: Job, error: JobError) -> None:
        await self._execute(FINISH, {"id": job.id, "error": _error(error)})

    async def forget_expired(self) -> None:
        await self._execute(_FORGET, {})

    async def _tell(self) -> None:
        """One question for all that is awaited here."""
        if not self._awaited:
            return
        async with (
            self._pool.connection() as conn,
            conn.cursor(row_factory=args_row(of_row)) as cursor,
        ):
            await cursor.execute(_ENDED, (list(self._awaited),))
            ended: dict[UUID, Job | None] = {job.id: job for job in await cursor.fetchall()}
            dropped = await conn.execute(_DROPPED, (list(self._awaited),))
            ended |= {job_id: None for (job_id,) in await dropped.fetchall()}
        for job_id, job in ended.items():
            future = self._awaited.get(job_id)
            if future is not None and not future.done():
                future.set_result(job)

    async def _select(self, statement: str, parameters: dict[str, object]) -> list[Job]:
        async with (
            self._pool.connection() as conn,
            conn.cursor(row_factory=args_row(of_row)) as cursor,
        ):
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()

    async def _execute(self, statement: str, parameters: dict[str, object]) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(statement, parameters)


def _claimed(taken_over: bool, *row: Any) -> tuple[bool, Job]:
    return taken_over, of_row(*row)


def _meant(team_id: int, name: str) -> dict[str, object]:
    """The values of _MEANT."""
    values: dict[str, object] = {"team_id": team_id, "name": name, "id": None}
    with contextlib.suppress(ValueError):
        values["id"] = UUID(name)
    return values


def _error(error: JobError) -> str:
    return msgspec.json.encode(error).decode()
