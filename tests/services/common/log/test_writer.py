"""Who shares a transaction of the log's writer."""

import asyncio

import psycopg

from services.common.log.store import EventStore
from tests.services.common.log.appends import append, created, insight, to


async def test_who_appends_a_turn_of_the_loop_later_is_in_the_same_transaction(
    postgres_url: str,
) -> None:
    async with EventStore.open(postgres_url) as store:
        first = asyncio.create_task(store.append(append(to(insight(1), 0, created(1)))))
        await asyncio.sleep(0)
        second = asyncio.create_task(store.append(append(to(insight(2), 0, created(2)))))
        await asyncio.gather(first, second)

    async with await psycopg.AsyncConnection.connect(postgres_url) as conn:
        cursor = await conn.execute("SELECT count(*), count(DISTINCT xmin::text) FROM log")
        assert await cursor.fetchone() == (2, 1)
