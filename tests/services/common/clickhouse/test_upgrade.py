"""A database that an earlier release made: its tables get the projections, its answers stay."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts.api.definitions import EventDefinition, PropertyDefinition
from services.common.clickhouse import ClickHouse, EngineAway, Shards
from services.common.clickhouse.schema import (
    Form,
    adding_projection,
    definition,
    projections,
    table_statements,
)
from services.common.clickhouse.statement import Statement
from services.common.clickhouse.upgrade import Tables
from services.query.events.definitions import Definitions, Properties
from tests import waiting

pytestmark = pytest.mark.anyio

NOON = 1_767_268_800_000_000
MONTH = 31 * 86_400_000_000


@pytest.fixture
async def older(clickhouse: ClickHouse) -> ClickHouse:
    """As it was before there were projections, with events of two months."""
    for projection in projections():
        await clickhouse.command(
            f"ALTER TABLE {projection.table} DROP PROJECTION {projection.name}"
        )
    for number, at in enumerate((NOON, NOON + MONTH)):
        await insert(clickhouse, f"event {number}", at, f'{{"key {number}": {number}}}')
    return clickhouse


async def insert(clickhouse: ClickHouse, name: str, at: int, properties: str) -> None:
    await clickhouse.insert(
        "events",
        {
            "team_id": [1],
            "event": [name],
            "timestamp": [at],
            "uuid": [uuid4()],
            "distinct_id": ["anna"],
            "person_id": [UUID(int=7)],
            "properties": [properties],
            "sent": [properties],
            "inserted_at": [at],
        },
    )


async def told(clickhouse: ClickHouse) -> tuple[list[EventDefinition], list[PropertyDefinition]]:
    definitions = Definitions(Shards([clickhouse]))
    return await definitions.events(1, ""), await definitions.properties(1, Properties())


async def parts(clickhouse: ClickHouse) -> dict[bool, int]:
    """How many parts of `events` have the projection, and how many have not."""
    rows = await clickhouse.query(
        Statement(
            "SELECT has(projections, 'definitions'), count() FROM system.parts"
            " WHERE database = {database:String} AND table = 'events' AND active GROUP BY 1",
            {"database": clickhouse.database},
        )
    )
    return {bool(has): count for has, count in rows}


def url(folder: Path, clickhouse: ClickHouse) -> str:
    return f"chdb://{folder / 'chdb'}?database={clickhouse.database}&durable=0"


async def test_the_parts_of_an_older_table_get_the_projections(
    older: ClickHouse, server_folder: Path
) -> None:
    before = await told(older)
    assert await parts(older) == {False: 2}
    async with await ClickHouse.open(url(server_folder, older)) as opened:
        assert await told(opened) == before
        await waiting.seen(lambda: parts(opened), lambda found: False not in found)
        assert await told(opened) == before
        await insert(opened, "later", NOON, '{"late": true}')
        assert False not in await parts(opened)
        events, properties = await told(opened)
        assert {each.name for each in events} == {"event 0", "event 1", "later"}
        assert {each.name for each in properties} == {"key 0", "key 1", "late"}


async def test_an_upgrade_that_was_left_half_way_is_finished_by_the_next_start(
    older: ClickHouse, server_folder: Path
) -> None:
    (projection,) = projections()
    await older.command(adding_projection(projection))
    await insert(older, "in between", NOON, "{}")
    assert (await parts(older))[False] == 2
    async with await ClickHouse.open(url(server_folder, older)) as opened:
        await waiting.seen(lambda: parts(opened), lambda found: False not in found)


async def test_several_processes_may_upgrade_at_once(
    older: ClickHouse, server_folder: Path
) -> None:
    before = await told(older)
    opened = await asyncio.gather(*(ClickHouse.open(url(server_folder, older)) for _ in range(3)))
    await waiting.seen(lambda: parts(older), lambda found: False not in found)
    assert await told(older) == before
    for one in opened:
        await one.close()


async def test_a_new_table_has_what_an_older_one_gets() -> None:
    (projection,) = projections()
    assert f"PROJECTION {definition(projection)}" in table_statements()[projection.table]


async def test_a_table_of_before_gets_the_columns_it_lacks(clickhouse: ClickHouse) -> None:
    await clickhouse.command("ALTER TABLE events DROP COLUMN sequence")
    await insert(clickhouse, "older", NOON, "{}")

    tables = Tables(clickhouse.database, Form(durable=False))
    for _ in range(2):
        await tables.bring_up_to_date(clickhouse._engine)
    await insert(clickhouse, "newer", NOON, "{}")

    rows = await clickhouse.query(
        Statement("SELECT event, sequence FROM events ORDER BY event", {})
    )
    assert rows == [("newer", 0), ("older", 0)]


async def test_replicas_whose_tables_are_on_one_node_alone_are_told(clickhouse: ClickHouse) -> None:
    replicated = Tables(clickhouse.database, Form(replicated=True))
    with pytest.raises(EngineAway, match="one node alone"):
        await replicated.bring_up_to_date(clickhouse._engine)


async def test_uuids_are_kept_for_as_long_as_is_said(clickhouse: ClickHouse) -> None:
    for days in (7, 7, 30):
        tables = Tables(clickhouse.database, Form(durable=False), uuid_days=days)
        await tables.bring_up_to_date(clickhouse._engine)
        shown = "SHOW CREATE TABLE event_uuids"
        ((text,),) = await clickhouse.query(Statement(shown, {}))
        assert f"TTL arrived + toIntervalDay({days})" in text
