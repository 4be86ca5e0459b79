"""What queries see of captured events is told by the project's own bucket."""

from collections.abc import AsyncIterator

import pytest

from contracts.ingest_position import IngestPosition
from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.http.problems import Rejected
from services.common.postgres.database import Pool, pool
from services.query.results import cache
from services.query.results.ingest_wait import IngestWait

pytestmark = pytest.mark.anyio


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        async with opened.connection() as conn:
            await conn.execute("INSERT INTO bucket_shards (bucket, shard) VALUES (1, 1)")
            await conn.execute(
                "INSERT INTO ingest_progress (stream, bucket, reached)"
                " VALUES ('CAPTURE', 0, 90), ('CAPTURE_01', 1, 5)"
            )
        yield opened


async def projects(connections: Pool) -> list[Project]:
    organization = await administration.create_organization(connections, "Ours")
    return [
        await administration.create_project(connections, organization.id, name)
        for name in ("First", "Second", "Third")
    ]


async def test_projects_get_the_bucket_with_the_fewest_events(connections: Pool) -> None:
    assert [project.bucket for project in await projects(connections)] == [0, 1, 0]
    async with connections.connection() as conn:
        await conn.execute(
            "INSERT INTO bucket_days (bucket, day, events) VALUES (0, current_date, 10),"
            " (1, current_date - 6, 11), (1, current_date - 8, 1), (0, current_date - 8, 100)"
        )
    assert [project.bucket for project in await projects(connections)] == [0, 0, 0]


async def test_a_computation_sees_what_its_bucket_has_stored(connections: Pool) -> None:
    first, second, _ = await projects(connections)
    assert (await cache.start(connections, first.id)).reached == 90
    assert (await cache.start(connections, second.id)).reached == 5


async def test_a_position_is_waited_for_in_its_bucket(connections: Pool) -> None:
    wait = IngestWait(connections, patience_seconds=0.05)
    await wait.reach(IngestPosition(0, 90))
    await wait.reach(IngestPosition(1, 5))
    with pytest.raises(Rejected) as refused:
        await wait.reach(IngestPosition(1, 6))
    assert "position 1.6 is not reached yet; this is at 1.5" in refused.value.problem.detail
