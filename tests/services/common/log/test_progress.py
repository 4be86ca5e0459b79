"""How far the projections are behind the log."""

import psycopg

from services.common.log.progress import ProjectionProgress, progress
from services.common.log.store import EventStore
from services.common.postgres.database import pool
from tests.services.common.log.appends import append, created, insight, renamed, to


async def of_insights(url: str) -> ProjectionProgress:
    async with pool(url) as connections:
        found = await progress(connections)
    names = [each.projection for each in found]
    assert names == sorted(names)
    (insights,) = (each for each in found if each.projection == "insights")
    return insights


async def test_a_projection_of_an_empty_log_is_not_behind(postgres_url: str) -> None:
    found = await of_insights(postgres_url)
    assert found == ProjectionProgress("insights", 0, 0, 0, 0.0)
    assert found.behind == 0


async def test_a_projection_is_behind_by_facts_and_by_the_age_of_the_first(
    postgres_url: str,
) -> None:
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(insight(1), 0, created(), renamed("a"), renamed("b"))))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("UPDATE checkpoints SET position = 1 WHERE projection = 'insights'")
        await conn.execute("UPDATE log SET recorded_at = recorded_at - interval '1 minute'")
        await conn.execute(
            "INSERT INTO parked_streams VALUES"
            " ('insights', gen_random_uuid(), 1, 1, 'insight.created.v1', 'x'),"
            " ('sharing', gen_random_uuid(), 1, 1, 'insight.created.v1', 'x')"
        )
    found = await of_insights(postgres_url)
    assert (found.position, found.head, found.behind, found.parked) == (1, 3, 2, 1)
    assert 60 <= found.behind_seconds < 120
