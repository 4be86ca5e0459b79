"""Two replicas as one engine: what fails is left for the other, and gone back to."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from prometheus_client import REGISTRY

from services.common.clickhouse.errors import EngineAway, EngineError, QueryCancelled
from services.common.clickhouse.replicas import Replicas
from services.common.clickhouse.server import ServerEngine
from tests import waiting
from tests.services.common.clickhouse.test_client import FOREVER
from tests.shards import Fault, Shard, shard

pytestmark = pytest.mark.anyio

MANY = "SELECT number, toString(number) FROM numbers(100000)"
RUNNING = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = {it:String}"
READ_ONLY, TOO_FEW, UNKNOWN = 242, 285, 319


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shard]:
    with shard(tmp_path_factory.mktemp("shard")) as started:
        yield started


@pytest.fixture
def well(running: Shard) -> Shard:
    running.turn(Fault.NONE)
    return running


@pytest.fixture
async def replicas(well: Shard) -> AsyncIterator[Replicas]:
    """The first is preferred, and left for good when it fails."""
    opened = over(well, left_seconds=600)
    yield opened
    await opened.close()


def over(shard: Shard, left_seconds: float) -> Replicas:
    # A frozen one is waited for for MORE_SECONDS.
    engines = [ServerEngine(each.url, "test", longest_seconds=0) for each in shard.replicas]
    return Replicas(engines, preferred=0, left_seconds=left_seconds)


def asked(shard: Shard) -> list[int]:
    return [each.statements() for each in shard.replicas]


async def one(replicas: Replicas, query_id: str = "one") -> None:
    assert (await replicas.query("SELECT 1", {}, query_id, {})).rows == [(1,)]


@pytest.mark.parametrize("fault", [Fault.AWAY, Fault.FROZEN])
async def test_one_that_does_not_answer_is_left_for_the_other(
    well: Shard, replicas: Replicas, fault: Fault
) -> None:
    await one(replicas)
    well.replicas[0].turn(fault)
    await one(replicas)
    before = asked(well)
    await one(replicas)
    first, second = asked(well)
    assert first == before[0]
    assert second > before[1]


async def test_it_is_gone_back_to_by_itself(well: Shard) -> None:
    replicas = over(well, left_seconds=0.1)
    well.replicas[0].turn(Fault.AWAY)
    await one(replicas)
    well.replicas[0].turn(Fault.NONE)
    before = well.replicas[0].statements()

    async def look() -> int:
        await one(replicas)
        return well.replicas[0].statements()

    await waiting.seen(look, lambda found: found > before)
    await replicas.close()


async def test_one_that_is_left_is_down_until_it_answers(well: Shard) -> None:
    """Also where nobody would ask it anything: the other one is preferred."""
    replicas = over(well, left_seconds=0.1)

    async def is_up() -> float | None:
        labels = {"shard": "1", "replica": "1"}
        return REGISTRY.get_sample_value("recount_clickhouse_replica_up", labels)

    await one(replicas)
    assert await is_up() == 1
    well.replicas[0].turn(Fault.AWAY)
    await one(replicas)
    assert await is_up() == 0
    well.replicas[0].turn(Fault.NONE)
    await waiting.seen(is_up, lambda found: found == 1)
    await replicas.close()


async def test_an_answer_that_breaks_off_is_asked_for_again_under_another_name(
    well: Shard, replicas: Replicas
) -> None:
    well.replicas[0].turn(Fault.CUT, times=1, cut_after=1_000)
    assert len((await replicas.query(MANY, {}, "many", {})).rows) == 100_000


async def test_with_both_away_the_error_is_the_shards(well: Shard, replicas: Replicas) -> None:
    well.turn(Fault.AWAY)
    with pytest.raises(EngineAway):
        await one(replicas)
    well.turn(Fault.NONE)
    await one(replicas)


@pytest.mark.parametrize(
    ("fault", "code", "is_left"),
    [
        (Fault.READ_ONLY, READ_ONLY, True),
        (Fault.TOO_FEW, TOO_FEW, False),
        (Fault.UNKNOWN_AFTER, UNKNOWN, False),
    ],
)
async def test_a_write_that_fails_is_not_repeated_here(
    well: Shard, replicas: Replicas, fault: Fault, code: int, is_left: bool
) -> None:
    await one(replicas)
    well.replicas[0].turn(fault, times=1)
    before = asked(well)
    with pytest.raises(EngineError) as refused:
        await replicas.command("CREATE TABLE IF NOT EXISTS t (n Int8) ENGINE = Memory", {}, {})
    assert refused.value.code == code
    assert asked(well) == [before[0] + 1, before[1]]
    await one(replicas)
    assert (asked(well)[0] == before[0] + 1) is is_left


async def test_a_query_is_stopped_where_it_runs(well: Shard, replicas: Replicas) -> None:
    well.replicas[0].turn(Fault.AWAY)
    long = asyncio.create_task(replicas.query(FOREVER, {}, "long", {"max_execution_time": 600}))
    name = "long/again"

    async def look() -> int:
        ((found,),) = (await replicas.query(RUNNING, {"it": name}, "look", {})).rows
        return int(found)

    await waiting.seen(look, lambda found: found == 1)
    await replicas.kill("long")
    with pytest.raises(QueryCancelled):
        await long
