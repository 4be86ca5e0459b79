"""A PostgreSQL on another timeline than the log was verified on: appends are refused."""

import asyncio

import psycopg
import pytest

from services.common.log.store import EventStore, LogUnverified, OutcomeUnknown
from services.common.log.timeline import UNVERIFIED, TimelineWatch, log_timeline
from services.common.postgres.database import pool
from services.common.tasks import background
from tests.services.common.log.appends import append, created, insight, to
from tests.services.common.log.cable import cable
from tests.waiting import seen

ELSEWHERE = "UPDATE log_state SET timeline = 99"
HERE = "UPDATE log_state SET timeline = log_timeline()"
# The server's word that a transaction is committed.
DONE = b"COMMIT\0"


async def run(postgres_url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(statement.encode())


async def test_an_append_is_refused_at_once_and_nothing_is_written(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(insight(1), 0, created())))
        # On the same connection, too: one that was made to a standby outlives its promotion.
        await run(postgres_url, ELSEWHERE)
        with pytest.raises(LogUnverified):
            await store.append(append(to(insight(2), 0, created(2))))
        assert await store.head() == 1
        await run(postgres_url, HERE)
        assert (await store.append(append(to(insight(2), 0, created(2))))).position == 2


async def test_whoever_waits_for_the_answer_to_a_commit_is_not_told_that_it_was_not_written(
    postgres_url: str,
) -> None:
    async with (
        cable(postgres_url) as (laid, url),
        EventStore.open(url, patience_seconds=3) as store,
    ):
        laid.cut_before_client_hears(DONE)
        waiting = asyncio.create_task(store.append(append(to(insight(1), 0, created()))))
        await laid.was_cut.wait()
        laid.unplugged = True
        await run(postgres_url, ELSEWHERE)
        laid.unplugged = False
        # What a standby has not got may come back from the stream.
        with pytest.raises(OutcomeUnknown):
            await waiting


async def test_the_watch_knows_before_anybody_reads_and_when_it_is_over(postgres_url: str) -> None:
    await run(postgres_url, ELSEWHERE)
    watch = TimelineWatch()
    async with (
        pool(postgres_url, on_connection=watch.ask) as connections,
        background("timeline", watch.run(connections)),
    ):
        async with connections.connection():
            assert watch.is_unverified
        assert UNVERIFIED._value.get() == 1
        assert not (await log_timeline(connections)).is_verified
        await run(postgres_url, HERE)

        async def still() -> bool:
            return watch.is_unverified

        await seen(still, lambda found: not found)
        assert UNVERIFIED._value.get() == 0
        assert (await log_timeline(connections)).is_verified
