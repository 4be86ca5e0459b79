"""The log's writer counts and times what it does; pools of connections are looked at when asked."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from domain.errors import ConcurrentEdit
from services.common.log.store import EventStore, ReceiptExists
from services.common.postgres.database import pool
from tests.services.common.log.appends import append, created, insight, key, to
from tests.waiting import seen


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_appends_are_timed_batches_counted_and_refusals_told_apart(
    postgres_url: str,
) -> None:
    names = (
        *("recount_log_append_seconds_count", "recount_log_batch_appends_count"),
        *("recount_log_batch_appends_sum", "recount_log_lock_wait_seconds_count"),
    )
    before = [value(name) for name in names]
    refused = ("concurrent_edit", "repeated")
    refusals = [value("recount_log_refused_total", reason=each) for each in refused]

    async with EventStore.open(postgres_url) as store:
        together = (append(to(insight(number), 0, created())) for number in (1, 2, 3))
        await asyncio.gather(*(store.append(each) for each in together))
        with pytest.raises(ConcurrentEdit):
            await store.append(append(to(insight(1), 0, created())))
        await store.append(append(to(insight(4), 0, created()), receipt=key("k")))
        with pytest.raises(ReceiptExists):
            await store.append(append(to(insight(5), 0, created()), receipt=key("k")))

    moved = [value(name) - one for name, one in zip(names, before, strict=True)]
    # One batch of three, and three of one.
    assert moved == [4.0, 4.0, 6.0, 4.0]
    assert [
        value("recount_log_refused_total", reason=each) - one
        for each, one in zip(refused, refusals, strict=True)
    ] == [1.0, 1.0]


async def test_pools_are_added_up_by_name_while_they_live(postgres_url: str) -> None:
    async with pool(postgres_url, size=1, name="watched") as connections:
        async with connections.connection():
            # The first one may have waited, too: for the pool's first connection.
            before = value("recount_pool_wait_seconds_count", pool="watched")
            waiting = asyncio.create_task(connections.getconn())

            async def waits() -> float:
                return value("recount_pool_waiting", pool="watched")

            await seen(waits, bool)
            assert value("recount_pool_size", pool="watched") == 1.0
        await connections.putconn(await waiting)
        assert value("recount_pool_waiting", pool="watched") == 0.0
        assert value("recount_pool_wait_seconds_count", pool="watched") == before + 1
        assert value("recount_pool_wait_seconds_sum", pool="watched") > 0.0
