"""The tables as they are told to an engine, and what is told to whom: read the files beside this
one.
"""

from pathlib import Path

import pytest

from services.common.clickhouse.address import shards
from services.common.clickhouse.migrate import nodes_of, steps
from services.common.clickhouse.migrations import MIGRATIONS
from services.common.clickhouse.schema import Form, table_statements

HERE = Path(__file__).parent


@pytest.mark.parametrize(("rendering", "replicated"), [("plain", False), ("replicated", True)])
def test_the_tables_are_made_by_these_statements(
    rendering: str, replicated: bool, update: bool
) -> None:
    told = ";\n\n".join(table_statements(Form(replicated)).values()) + ";\n"
    file = HERE / f"tables.{rendering}.sql"
    if update:
        file.write_text(told)
    assert told == file.read_text()


@pytest.mark.parametrize(
    ("rendering", "url"),
    [
        ("one_node", "http://1a:8123"),
        ("two_replicas", "http://1a:8123,http://1b:8123"),
        ("two_shards", "http://1a:8123,http://1b:8123;http://2a:8123,http://2b:8123"),
    ],
)
async def test_a_deployment_is_made_by_these_steps(rendering: str, url: str, update: bool) -> None:
    lines = []
    for shard in shards(url):
        nodes = nodes_of(shard)
        for migration in MIGRATIONS:
            lines.append(f"-- shard {shard.number}, {migration.number} {migration.name}")
            lines += [f"{one.node.name}: {one.text};" for one in steps(migration, nodes, nodes)]
    told = "\n".join(lines) + "\n"
    file = HERE / f"steps.{rendering}.sql"
    if update:
        file.write_text(told)
    assert told == file.read_text()


async def test_a_node_that_is_added_gets_the_tables_and_changes_none() -> None:
    (shard,) = shards("http://1a:8123,http://1b:8123")
    nodes = nodes_of(shard)
    found = [one for migration in MIGRATIONS for one in steps(migration, nodes, nodes[1:])]
    assert {one.node.name for one in found} == {"1b:8123"}
    assert all(one.text.startswith("CREATE TABLE IF NOT EXISTS") for one in found)
