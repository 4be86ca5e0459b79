"""The adapter on this process's chDB: what is inserted is found, what runs can be stopped."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.common.clickhouse import (
    ClickHouse,
    EngineAway,
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    QueryTooLarge,
    StatementTooLarge,
)
from services.common.clickhouse.schema import Form, column_types, table_statements
from services.common.clickhouse.statement import Statement

pytestmark = pytest.mark.anyio

FOREVER = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
LATE = datetime(2024, 3, 5, 12, 30, 15, 123456, tzinfo=UTC)


def select(text: str, **parameters: object) -> Statement:
    return Statement(text, parameters)


def columns(*uuids: UUID, properties: str = "{}", at: datetime = LATE) -> dict[str, list[object]]:
    count = len(uuids)
    return {
        "team_id": [1] * count,
        "event": ["purchase"] * count,
        "timestamp": [at] * count,
        "uuid": list(uuids),
        "distinct_id": ["anna"] * count,
        "person_id": [UUID(int=7)] * count,
        "properties": [properties] * count,
        "sent": [properties] * count,
        "inserted_at": [at] * count,
    }


async def until_running(clickhouse: ClickHouse, text: str) -> None:
    async with asyncio.timeout(20):
        running = select(
            "SELECT count() FROM system.processes WHERE query LIKE {begins:String}"
            " AND query NOT LIKE '%system.processes%'",
            begins=f"{text}%",
        )
        while (await clickhouse.query(running))[0][0] == 0:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.01)


async def test_what_is_inserted_is_read_back_with_its_types(clickhouse: ClickHouse) -> None:
    uuid = uuid4()
    await clickhouse.insert("events", columns(uuid, properties='{"cds": 3, "when": "2024-01-01"}'))
    rows = await clickhouse.query(
        select(
            "SELECT timestamp, uuid, properties.cds::Nullable(Int64), dynamicType(properties.when),"
            " session_id FROM events WHERE uuid = {uuid:UUID}",
            uuid=uuid,
        )
    )
    assert rows == [(LATE, uuid, 3, "String", "")]
    assert rows[0][0].tzinfo is not None


async def test_times_may_be_given_as_microseconds(clickhouse: ClickHouse) -> None:
    given = columns(uuid4()) | {"timestamp": [1_700_000_000_123_456]}
    await clickhouse.insert("events", given)
    rows = await clickhouse.query(select("SELECT toUnixTimestamp64Micro(timestamp) FROM events"))
    assert rows == [(1_700_000_000_123_456,)]


async def test_a_token_is_inserted_once(clickhouse: ClickHouse) -> None:
    for token in ("1-10", "1-10", "11-20"):
        await clickhouse.insert("events", columns(uuid4()), deduplication_token=token)
    assert await clickhouse.query(select("SELECT count() FROM events")) == [(2,)]


async def test_a_block_may_touch_more_than_a_hundred_months(clickhouse: ClickHouse) -> None:
    given = columns(*(uuid4() for _ in range(240)))
    given["timestamp"] = [datetime(1990 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(240)]
    for _ in range(2):
        await clickhouse.insert("events", given, deduplication_token="many")
    assert await clickhouse.query(select("SELECT count() FROM events")) == [(240,)]


async def test_cancel_stops_a_query_that_runs(clickhouse: ClickHouse) -> None:
    running = asyncio.create_task(clickhouse.query(select(FOREVER), query_id="long"))
    await until_running(clickhouse, FOREVER)
    await clickhouse.cancel("long")
    with pytest.raises(QueryCancelled):
        await running


async def test_cancel_reaches_a_query_that_is_not_with_the_engine_yet(
    clickhouse: ClickHouse,
) -> None:
    running = asyncio.create_task(clickhouse.query(select(FOREVER), query_id="early"))
    await asyncio.sleep(0)
    await clickhouse.cancel("early")
    with pytest.raises(QueryCancelled):
        await running


async def test_a_task_that_goes_away_takes_its_query_with_it(clickhouse: ClickHouse) -> None:
    running = asyncio.create_task(clickhouse.query(select(FOREVER)))
    await until_running(clickhouse, FOREVER)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    count = select("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number)%'"
                   " AND query NOT LIKE '%system.processes%'")  # fmt: skip
    async with asyncio.timeout(20):
        while await clickhouse.query(count) != [(0,)]:  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(0.01)


async def test_short_queries_run_beside_a_long_one(clickhouse: ClickHouse) -> None:
    running = asyncio.create_task(clickhouse.query(select(FOREVER), query_id="beside"))
    await until_running(clickhouse, FOREVER)
    assert await clickhouse.query(select("SELECT 1")) == [(1,)]
    assert not running.done()
    await clickhouse.cancel("beside")
    with pytest.raises(QueryCancelled):
        await running


async def test_limits_end_a_query_with_a_named_error(clickhouse: ClickHouse) -> None:
    with pytest.raises(QueryTimeout):
        await clickhouse.query(select(FOREVER), settings={"max_execution_time": 0.2})
    with pytest.raises(QueryTooLarge):
        await clickhouse.query(
            select("SELECT groupArray(number) FROM numbers(100000000)"),
            settings={"max_memory_usage": 10_000_000},
        )


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("1 AND " * 1_000_000 + "1", id="long"),
        pytest.param("(1 + " * 2_000 + "1" + ")" * 2_000, id="deep"),
    ],
)
async def test_a_statement_beyond_what_the_engine_reads_has_a_named_error(
    clickhouse: ClickHouse, condition: str
) -> None:
    with pytest.raises(StatementTooLarge):
        await clickhouse.query(select(f"SELECT {condition}"))


async def test_a_statement_of_a_megabyte_is_read(clickhouse: ClickHouse) -> None:
    numbers = ", ".join(f"toUInt8({n % 200})" for n in range(70_000))
    assert await clickhouse.query(select(f"SELECT length([{numbers}])")) == [(70_000,)]


async def test_a_bad_statement_says_its_code(clickhouse: ClickHouse) -> None:
    with pytest.raises(QueryFailed) as failed:
        await clickhouse.query(select("SELECT count() FROM no_such_table"))
    assert failed.value.code == 60
    with pytest.raises(QueryFailed):
        await clickhouse.insert("events", columns(uuid4(), properties='{"a": '))


async def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="chdb://"):
        await ClickHouse.open("mysql://somewhere")


async def test_a_server_that_is_away_is_a_named_error_each_time_it_is_asked() -> None:
    opening = ClickHouse.open("http://somebody:secret@127.0.0.1:1?database=other")
    async with await opening as clickhouse:
        for _ in range(2):
            with pytest.raises(EngineAway):
                await clickhouse.query(Statement("SELECT 1", {}))
        with pytest.raises(EngineAway):
            await clickhouse.insert("events", {})


async def test_every_column_has_the_type_its_table_says() -> None:
    types = column_types()
    assert types["events"]["timestamp"] == "DateTime64(6, 'UTC')"
    assert types["events"]["group_0"] == "String"
    assert types["events"]["sent"] == "String"
    assert list(types["event_uuids"]) == ["team_id", "uuid", "sequence", "bucket", "arrived"]


async def test_rows_survive_a_power_cut_unless_they_need_not() -> None:
    assert "fsync_after_insert = 1" in table_statements()["event_uuids"]
    assert "fsync_after_insert = 0" in table_statements(Form(durable=False))["events"]
