"""Replicas that refuse a block, or do not say whether they have it: the same range again."""

import asyncio
import operator
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import product

import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.migrate import migrate
from services.common.tasks import background
from services.projector.product_events.buckets import SharedBuckets
from tests import waiting
from tests.services.projector.product_events.setup import Servers, event
from tests.shards import Fault, Shard, shard

pytestmark = pytest.mark.anyio

FAULTS = [
    Fault.READ_ONLY,
    Fault.TOO_FEW,
    Fault.UNKNOWN_BEFORE,
    Fault.UNKNOWN_AFTER,
    Fault.AWAY,
]
REACHED = "SELECT coalesce(max(reached), 0) FROM ingest_progress"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shard]:
    with shard(tmp_path_factory.mktemp("shard")) as started:
        yield started


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, stored: Shard
) -> AsyncIterator[Servers]:
    url = f"{stored.url}?durable=0"
    await asyncio.to_thread(migrate, postgres_url, url)
    bus = await connect_bus(nats_url, "test")
    async with await ClickHouse.open(url) as clickhouse:
        yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def test_each_event_is_stored_once_whatever_a_replica_says(
    servers: Servers, stored: Shard
) -> None:
    sent = []
    shared = SharedBuckets(
        servers.postgres_url, lambda bucket, shard: servers.projector(), prefix=servers.prefix
    )
    async with background("product events", shared.run()):
        for fault, into in product(FAULTS, ("persons", "events", "event_uuids")):
            for replica in stored.replicas:
                replica.turn(fault, times=1, into=into)
            batch = [event(distinct_id=f"{fault} {into} {number}") for number in range(3)]
            sequence = await servers.send(batch)
            if fault == Fault.AWAY:
                stored.turn(Fault.NONE)
            await waiting.seen(lambda: servers.tables(REACHED), partial(operator.eq, [(sequence,)]))
            sent += batch
    expected = Counter((one.uuid,) for one in sent)
    for table in ("events", "event_uuids"):
        assert Counter(await servers.rows(f"SELECT uuid FROM {table}")) == expected
