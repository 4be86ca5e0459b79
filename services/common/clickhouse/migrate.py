"""Brings the tables of all ClickHouse's nodes up to date; what is done is written in PostgreSQL.

A table is made on every node. What is changed in one is changed on one node of the shard, which
its replicas follow. A node that comes back, or is added, gets what it lacks the next time.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg

from services.common.clickhouse.address import Shard, shards
from services.common.clickhouse.engine import Engine
from services.common.clickhouse.errors import EngineAway
from services.common.clickhouse.migrations import MIGRATIONS, Migration
from services.common.clickhouse.query_limits import QueryLimits
from services.common.clickhouse.schema import Form
from services.common.clickhouse.server import ServerEngine
from services.common.postgres.migrate import locked

_DONE = "SELECT shard, node, number FROM clickhouse_migrations"
_RECORD = """
    INSERT INTO clickhouse_migrations (shard, node, number) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING"""
# All replicas have a change before the next one; what goes on in the background is not waited for.
_ALTERING = {"alter_sync": 2, "mutations_sync": 0, "materialize_ttl_after_modify": 0}


class NodesAway(Exception):
    """Some nodes do not answer; nothing was changed."""

    def __init__(self, names: Sequence[str]) -> None:
        which = ", ".join(names)
        super().__init__(
            f"ClickHouse does not answer on {which}. Nothing was changed; run this again once it "
            "does."
        )


class Node(msgspec.Struct, frozen=True):
    """name: host and port."""

    shard: Shard
    name: str
    engine: Engine


class Step(msgspec.Struct, frozen=True):
    """A statement for some node. changes: it is one that the node's replicas follow."""

    node: Node
    text: str
    changes: bool = False


def steps(migration: Migration, nodes: Sequence[Node], lacking: Sequence[Node]) -> list[Step]:
    """What one number is on a shard. nodes: all of it; lacking: those that do not have it yet."""
    if not lacking:
        return []
    form = Form(lacking[0].shard.replicated, lacking[0].shard.durable)
    made = [Step(node, text) for node in lacking for text in migration.everywhere(form)]
    # Some node has it: then the tables are as they should be wherever they are.
    if len(lacking) < len(nodes):
        return made
    return made + [Step(lacking[0], text, changes=True) for text in migration.once()]


def migrate(postgres_url: str, url: str) -> None:
    """Of all shards of the URL; one in this process needs none of it. Raises NodesAway, and
    EngineError for a statement that a node refuses.
    """
    asyncio.run(_migrate(postgres_url, url))


async def _migrate(postgres_url: str, url: str) -> None:
    async with AsyncExitStack() as opened:
        groups = [nodes_of(shard) for shard in shards(url)]
        for nodes in groups:
            for node in nodes:
                opened.push_async_callback(node.engine.close)
        if away := [node.name for nodes in groups for node in nodes if not await _answers(node)]:
            raise NodesAway(away)
        with locked(postgres_url) as connection:
            for nodes in groups:
                await _bring(connection, nodes)


def nodes_of(shard: Shard) -> list[Node]:
    longest = QueryLimits().max_execution_seconds
    return [
        Node(
            shard,
            urlsplit(replica).netloc.rpartition("@")[2],
            ServerEngine(replica, shard.database, longest_seconds=longest, ca_file=shard.ca_file),
        )
        for replica in shard.replicas
    ]


async def _answers(node: Node) -> bool:
    try:
        await node.engine.query("SELECT 1", {}, str(uuid4()), {})
    except EngineAway:
        return False
    return True


async def _bring(connection: psycopg.Connection, nodes: Sequence[Node]) -> None:
    done = set(connection.execute(_DONE).fetchall())
    for migration in MIGRATIONS:
        number = migration.number
        lacking = [one for one in nodes if (one.shard.number, one.name, number) not in done]
        for step in steps(migration, nodes, lacking):
            await step.node.engine.command(step.text, {}, _ALTERING if step.changes else {})
        with connection.transaction():
            for node in lacking:
                connection.execute(_RECORD, (node.shard.number, node.name, number))
