"""Who shares a transaction of the log's writer, and what becomes of them when it ends."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from services.common.log.judging import prepare
from services.common.log.store import EventStore, LogUnavailable
from services.common.log.transaction import LogTransaction
from services.common.log.writer import LogWriter
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


async def test_a_writer_that_never_began_takes_nothing_and_closes() -> None:
    writer = LogWriter("postgresql://nobody@127.0.0.1:1/none", LogTransaction(noon))
    with pytest.raises(LogUnavailable):
        await writer.append(prepare(append(to(insight(1), 0, created()))))
    await writer.close()


async def test_a_defect_ends_the_writer_and_everybody_who_waits_is_told(postgres_url: str) -> None:
    """One of them is gone by then."""
    gone: list[asyncio.Task[object]] = []

    def defect(point: str) -> None:
        gone[0].cancel()
        raise RuntimeError(point)

    outcomes: list[object] = []

    async def met() -> None:
        async with EventStore.open(postgres_url, crash_at=defect) as store:
            gone.append(asyncio.create_task(store.append(append(to(insight(1), 0, created(1))))))
            waiting = (store.append(append(to(insight(n), 0, created(n)))) for n in (2, 3))
            outcomes.extend(await asyncio.gather(*gone, *waiting, return_exceptions=True))
            with pytest.raises(LogUnavailable):
                await store.append(append(to(insight(4), 0, created(4))))

    with pytest.raises(RuntimeError, match="locked"):
        await met()
    assert [type(outcome) for outcome in outcomes] == [
        asyncio.CancelledError,
        LogUnavailable,
        LogUnavailable,
    ]
    async with EventStore.open(postgres_url) as store:
        assert await store.head() == 0


def noon() -> datetime:
    return datetime(2026, 1, 1, 12, tzinfo=UTC)
