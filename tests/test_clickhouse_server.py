"""The stand-in for a ClickHouse server, through the adapter that the services have."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest

from services.common.clickhouse import ClickHouse, EngineAway, EngineError, QueryCancelled
from services.common.clickhouse.statement import Statement
from tests.services.common.clickhouse.test_client import FOREVER, LATE, columns, until_running
from tests.shards import Fault, Shard, shard

pytestmark = pytest.mark.anyio

COUNT = Statement("SELECT count() FROM events", {})
TOO_FEW, UNKNOWN, READ_ONLY = 285, 319, 242


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shard]:
    with shard(tmp_path_factory.mktemp("shard")) as started:
        yield started


@pytest.fixture(scope="module")
async def clients(running: Shard) -> AsyncIterator[list[ClickHouse]]:
    opened = [await ClickHouse.open(f"{each.url}?durable=0") for each in running.replicas]
    yield opened
    for one in opened:
        await one.close()


@pytest.fixture
async def both(running: Shard, clients: list[ClickHouse]) -> list[ClickHouse]:
    """A client for each replica. No events are there, and nothing is wrong."""
    running.turn(Fault.NONE)
    await clients[0].command("TRUNCATE TABLE events")
    return clients


async def test_both_replicas_show_what_is_inserted_once_for_a_token(both: list[ClickHouse]) -> None:
    first, second = both
    event = columns(uuid4(), properties='{"cds": 3, "name": "Zoë\\t\'"}')
    for one in both:
        await one.insert("events", event, deduplication_token="1-10")
    rows = await second.query(
        Statement(
            "SELECT uuid, timestamp, properties.name::String FROM events WHERE uuid = {it:UUID}",
            {"it": event["uuid"][0]},
        )
    )
    assert rows == [(event["uuid"][0], LATE, "Zoë\t'")]
    assert await first.query(COUNT) == [(1,)]


async def test_values_too_long_for_a_url_arrive(both: list[ClickHouse]) -> None:
    value = "é" * 40_000
    assert await both[0].query(Statement("SELECT {it:String}", {"it": value})) == [(value,)]


async def test_a_query_is_stopped_from_the_other_replica(both: list[ClickHouse]) -> None:
    first, second = both
    running = asyncio.create_task(first.query(Statement(FOREVER, {}), query_id="long"))
    await until_running(second, FOREVER)
    await second.cancel("long")
    with pytest.raises(QueryCancelled):
        await running


@pytest.mark.parametrize(
    ("fault", "code", "stored"),
    [
        (Fault.READ_ONLY, READ_ONLY, 0),
        (Fault.TOO_FEW, TOO_FEW, 0),
        (Fault.UNKNOWN_BEFORE, UNKNOWN, 0),
        (Fault.UNKNOWN_AFTER, UNKNOWN, 1),
    ],
)
async def test_a_write_that_fails_once(
    running: Shard, both: list[ClickHouse], fault: Fault, code: int, stored: int
) -> None:
    first, second = both
    running.replicas[0].turn(fault, times=1)
    with pytest.raises(EngineError) as refused:
        await first.insert("events", columns(uuid4()), deduplication_token=fault)
    assert refused.value.code == code
    assert await second.query(COUNT) == [(stored,)]
    await first.insert("events", columns(uuid4()), deduplication_token=fault)
    assert await first.query(COUNT) == [(1,)]


async def test_a_replica_goes_away_alone_and_comes_back(
    running: Shard, both: list[ClickHouse]
) -> None:
    first, second = both
    running.replicas[0].turn(Fault.AWAY)
    with pytest.raises(EngineAway):
        await first.query(COUNT)
    assert await second.query(COUNT) == [(0,)]
    running.replicas[0].turn(Fault.NONE)
    assert await first.query(COUNT) == [(0,)]


async def test_a_frozen_replica_answers_once_it_thaws(
    running: Shard, both: list[ClickHouse]
) -> None:
    running.replicas[0].turn(Fault.FROZEN)
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(running.replicas[0].url, params={"query": "SELECT 1"}, timeout=0.5)
    asked = asyncio.create_task(both[0].query(COUNT))
    assert await both[1].query(COUNT) == [(0,)]
    assert not asked.done()
    running.replicas[0].turn(Fault.NONE)
    assert await asked == [(0,)]


async def test_an_answer_is_cut(running: Shard, both: list[ClickHouse]) -> None:
    running.replicas[0].turn(Fault.CUT, times=1, cut_after=1_000)
    many = Statement("SELECT number, toString(number) FROM numbers(100000)", {})
    with pytest.raises(EngineError):
        await both[0].query(many)
    assert len(await both[0].query(many)) == 100_000
