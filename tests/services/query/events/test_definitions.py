"""Definitions are read off what the parts of the table keep, and say what its rows say."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import msgspec
import pytest

from contracts.api.definitions import EventDefinition, PropertyDefinition
from services.common.clickhouse import ClickHouse, EngineError, QueryLimits, Shards
from services.query.events.definitions import Definitions, Properties

pytestmark = pytest.mark.anyio

NOON = 1_767_268_800_000_000
DAY = 86_400_000_000
TEAMS = (1, 2)
NAMES = ("visit", "signed up", "Order paid")
VALUES = (1, 2.5, True, "text", None)


class ProjectionOnly(QueryLimits, frozen=True, kw_only=True):
    """A query that does not read the projection fails."""

    def settings(self) -> dict[str, object]:
        return super().settings() | {"force_optimize_projection_name": "definitions"}


class RowsOnly(QueryLimits, frozen=True, kw_only=True):
    def settings(self) -> dict[str, object]:
        return super().settings() | {"optimize_use_projections": 0}


class Ways(msgspec.Struct, frozen=True):
    """Two readers of one database."""

    kept: Definitions
    rows: Definitions


@pytest.fixture
async def ways(clickhouse: ClickHouse, server_folder: Path) -> AsyncIterator[Ways]:
    url = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}&durable=0"
    async with (
        await ClickHouse.open(url, ProjectionOnly()) as kept,
        await ClickHouse.open(url, RowsOnly()) as rows,
    ):
        yield Ways(Definitions(Shards([kept])), Definitions(Shards([rows])))


async def insert(
    clickhouse: ClickHouse, rng: Random, rows: int, *, token: str, name: str | None = None
) -> None:
    """Random events; all called `name` when one is given."""
    properties = [
        msgspec.json.encode(
            {f"key {rng.randrange(9)}": rng.choice(VALUES) for _ in range(rng.randrange(4))}
        ).decode()
        for _ in range(rows)
    ]
    await clickhouse.insert(
        "events",
        {
            "team_id": [rng.choice(TEAMS) for _ in range(rows)],
            "event": [name or rng.choice(NAMES) for _ in range(rows)],
            "timestamp": [NOON + rng.randrange(90 * DAY) for _ in range(rows)],
            "uuid": [uuid4() for _ in range(rows)],
            "distinct_id": ["anna"] * rows,
            "person_id": [UUID(int=7)] * rows,
            "properties": properties,
            "sent": properties,
            "inserted_at": [NOON + rng.randrange(DAY) for _ in range(rows)],
        },
        deduplication_token=token,
    )


async def told(
    definitions: Definitions, team_id: int
) -> tuple[list[EventDefinition], EventDefinition | None, list[list[PropertyDefinition]]]:
    asked = (
        Properties(),
        Properties(events=("visit", "signed up")),
        Properties(events=("visit",), seen_only=True),
    )
    return (
        await definitions.events(team_id, ""),
        await definitions.event(team_id, "visit"),
        [await definitions.properties(team_id, each) for each in asked],
    )


async def test_definitions_say_what_the_rows_say_however_those_came(
    clickhouse: ClickHouse, ways: Ways
) -> None:
    rng = Random(11)
    for number in range(12):
        await insert(clickhouse, rng, rng.choice([1, 7, 100]), token=f"{number}")
    for team_id in TEAMS:
        assert await told(ways.kept, team_id) == await told(ways.rows, team_id)
    await clickhouse.command("OPTIMIZE TABLE events FINAL")
    await insert(clickhouse, rng, 20, token="after a merge")
    for team_id in TEAMS:
        events, _, (properties, *_) = await told(ways.kept, team_id)
        assert (len(events), len(properties)) == (3, 9)
        assert await told(ways.kept, team_id) == await told(ways.rows, team_id)


async def test_what_a_repeated_insert_leaves_out_is_not_told(
    clickhouse: ClickHouse, ways: Ways
) -> None:
    rng = Random(12)
    await insert(clickhouse, rng, 500, token="1-10")
    before = [await told(ways.kept, team_id) for team_id in TEAMS]
    await insert(clickhouse, rng, 500, token="1-10", name="never stored")
    assert [await told(ways.kept, team_id) for team_id in TEAMS] == before


async def test_the_names_of_refused_rows_are_not_told(clickhouse: ClickHouse, ways: Ways) -> None:
    await insert(clickhouse, Random(13), 5, token="good")
    with pytest.raises(EngineError):
        await clickhouse.insert(
            "events",
            {
                "team_id": [1, 1],
                "event": ["bad", "bad"],
                "timestamp": [NOON, NOON],
                "properties": ['{"a": 1}', '{"a": '],
            },
        )
    events, _, _ = await told(ways.kept, 1)
    assert "bad" not in {each.name for each in events}
