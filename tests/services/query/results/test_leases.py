"""A computation whose process says nothing any more is another's once its lease is over."""

from collections.abc import AsyncIterator

import pytest

from services.common.http.problems import DEFECT
from services.common.insights.results.job import Job, JobError
from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool, pool
from services.common.settings import LEASE_SECONDS, from_environment
from services.query.results.jobs import CHANNEL, Jobs, NewJob
from services.query.settings import QuerySettings

# Of the release before the setting.
LEASE_BEFORE = 30.0


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        yield opened


def process(connections: Pool, postgres_url: str, lease_seconds: float = LEASE_SECONDS) -> Jobs:
    """The jobs as one process has them."""
    return Jobs(connections, Bell(postgres_url, CHANNEL), lease_seconds)


async def passes(connections: Pool, seconds: float) -> None:
    """So much of every lease."""
    async with connections.connection() as conn:
        await conn.execute(
            "UPDATE jobs SET lease_until = lease_until - make_interval(secs => %s)", (seconds,)
        )


async def started(jobs: Jobs) -> Job:
    job, is_new = await jobs.start(NewJob(team_id=1, key=b"key", settings=b"", computation=b"{}"))
    assert is_new
    return job


async def test_a_dead_processs_job_is_taken_over_once_its_lease_is_over(
    connections: Pool, postgres_url: str
) -> None:
    dead, other = process(connections, postgres_url), process(connections, postgres_url)
    job = await started(dead)
    assert [one.id for one in await dead.claim(4, [])] == [job.id]
    await passes(connections, LEASE_SECONDS / 2)
    assert await other.claim(4, []) == []
    await passes(connections, LEASE_SECONDS / 2)
    assert [one.id for one in await other.claim(4, [])] == [job.id]


async def test_who_says_so_in_time_keeps_its_job(connections: Pool, postgres_url: str) -> None:
    living, other = process(connections, postgres_url), process(connections, postgres_url)
    job = await started(living)
    await living.claim(4, [])
    for _ in range(4):
        await passes(connections, LEASE_SECONDS / 3)
        assert await living.renew([job.id]) == {job.id}
        assert await other.claim(4, []) == []


async def test_a_longer_lease_of_an_older_process_counts(
    connections: Pool, postgres_url: str
) -> None:
    older = process(connections, postgres_url, LEASE_BEFORE)
    newer = process(connections, postgres_url)
    job = await started(older)
    await older.claim(4, [])
    assert await newer.claim(4, []) == []
    await passes(connections, LEASE_BEFORE)
    assert [one.id for one in await newer.claim(4, [])] == [job.id]


async def test_who_thaws_ends_nothing_that_another_has_ended(
    connections: Pool, postgres_url: str
) -> None:
    frozen, other = process(connections, postgres_url), process(connections, postgres_url)
    job = await started(frozen)
    await frozen.claim(4, [])
    await passes(connections, LEASE_SECONDS)
    (taken,) = await other.claim(4, [])
    first, late = JobError(503, DEFECT), JobError(500, DEFECT)
    await other.fail(taken, first)
    await frozen.fail(job, late)
    ended = await other.get(1, str(job.id))
    assert ended is not None
    assert ended.error == first
    assert await frozen.renew([job.id]) == set()


def test_leases_are_a_setting() -> None:
    given = {
        "RECOUNT_QUERY_DATABASE_URL": "postgresql://",
        "RECOUNT_QUERY_CLICKHOUSE_URL": "http://",
        "RECOUNT_QUERY_LEASE_SECONDS": "4",
    }
    assert from_environment(QuerySettings, "query", given).lease_seconds == 4.0
