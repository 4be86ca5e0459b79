"""`recount migrate` on ClickHouse's nodes: what it makes, writes down, and says of one away."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from services.common.clickhouse import ClickHouse, EngineAway
from services.common.clickhouse.migrate import NodesAway, migrate
from services.common.clickhouse.migrations import MIGRATIONS
from services.common.clickhouse.statement import Statement
from tests.services.common.clickhouse.test_client import columns
from tests.shards import Fault, Shard, shards, url_of

pytestmark = pytest.mark.anyio

DONE = "SELECT DISTINCT shard, node FROM clickhouse_migrations WHERE number = %s ORDER BY shard"
COUNT = Statement("SELECT count() FROM events", {})


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shard]]:
    with shards(tmp_path_factory.mktemp("shards"), 2) as started:
        yield started


def nodes(started: list[Shard]) -> list[tuple[int, str]]:
    return [
        (number, each.url.removeprefix("http://"))
        for number, one in enumerate(started, start=1)
        for each in one.replicas
    ]


def done(postgres_url: str, number: int) -> list[tuple[int, str]]:
    with psycopg.connect(postgres_url) as connection:
        return [(shard, node) for shard, node in connection.execute(DONE, (number,)).fetchall()]


def fresh(started: list[Shard]) -> str:
    return f"{url_of(started)}?database=test_{uuid4().hex}&durable=0"


async def test_all_nodes_get_the_tables_and_it_is_written_down(
    two: list[Shard], postgres_url: str
) -> None:
    url = fresh(two)
    async with await ClickHouse.open(url) as clickhouse:
        with pytest.raises(EngineAway, match="recount migrate"):
            await clickhouse.query(COUNT)
        for _ in range(2):
            await asyncio.to_thread(migrate, postgres_url, url)
            assert await clickhouse.query(COUNT) == [(0,)]
    for migration in MIGRATIONS:
        assert sorted(done(postgres_url, migration.number)) == sorted(nodes(two))


async def test_a_node_that_is_away_is_named_and_nothing_is_changed(
    two: list[Shard], postgres_url: str
) -> None:
    url = fresh(two)
    two[1].replicas[0].turn(Fault.AWAY)
    with pytest.raises(NodesAway, match=nodes(two)[2][1]):
        await asyncio.to_thread(migrate, postgres_url, url)
    assert done(postgres_url, 1) == []
    two[1].replicas[0].turn(Fault.NONE)
    await asyncio.to_thread(migrate, postgres_url, url)
    assert len(done(postgres_url, 1)) == 4


async def test_a_node_that_is_added_gets_the_tables(two: list[Shard], postgres_url: str) -> None:
    url = fresh(two)
    first, second = two[0].replicas
    options = url.partition("?")[2]
    # As if the second had been made since.
    await asyncio.to_thread(migrate, postgres_url, f"{first.url}?{options}")
    await asyncio.to_thread(migrate, postgres_url, f"{first.url},{second.url}?{options}")
    assert len(done(postgres_url, 1)) == 2


async def test_a_server_of_an_earlier_release_keeps_its_rows(
    two: list[Shard], postgres_url: str
) -> None:
    url = f"{two[0].replicas[0].url}?database=test_{uuid4().hex}&durable=0"
    async with await ClickHouse.open(url) as clickhouse:
        for text in (
            "ALTER TABLE events DROP PROJECTION definitions",
            "ALTER TABLE events DROP COLUMN sequence",
            "DROP TABLE event_uuids",
            "CREATE TABLE event_uuids (team_id Int64, uuid UUID) ENGINE = MergeTree"
            " ORDER BY (team_id, uuid)",
            "INSERT INTO event_uuids (team_id, uuid) SELECT 1, generateUUIDv4()",
        ):
            await clickhouse.command(text)
        await clickhouse.insert("events", columns(uuid4()))
        for _ in range(2):
            await asyncio.to_thread(migrate, postgres_url, url)
        rows = await clickhouse.query(Statement("SELECT sequence FROM events", {}))
        assert rows == [(0,)]
        kept = Statement("SELECT count(), min(arrived) = today() FROM event_uuids", {})
        assert await clickhouse.query(kept) == [(1, True)]
