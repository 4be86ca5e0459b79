"""Connections to a real nats-server that is away at first, or one of several nodes."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from socket import socket
from urllib.parse import urlsplit

import nats.errors
import pytest

from services.common.bus import BusNodes, connect_bus, entered_as
from tests import servers
from tests.waiting import seen

pytestmark = pytest.mark.anyio


@pytest.fixture
def nobody() -> Iterator[str]:
    """A node that is away."""
    with closing(socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"nats://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "nodes", "credentials"),
    [
        ("nats://a:4222", ("nats://a:4222",), {}),
        (
            "nats://recount:p%40ss@a:4222, nats://b:4222",
            ("nats://a:4222", "nats://b:4222"),
            {"user": "recount", "password": "p@ss"},
        ),
        (
            "nats://a:4222,nats://token@b:4222",
            ("nats://a:4222", "nats://b:4222"),
            {"token": "token"},
        ),
    ],
)
def test_credentials_count_for_every_node(
    url: str, nodes: tuple[str, ...], credentials: dict[str, str]
) -> None:
    assert BusNodes.of(url) == BusNodes(nodes, credentials)


def test_another_user_enters_the_same_nodes() -> None:
    url = entered_as("nats://a:4222,nats://b:4222", "sys:p@ss")
    assert BusNodes.of(url) == BusNodes(
        ("nats://a:4222", "nats://b:4222"), {"user": "sys", "password": "p@ss"}
    )


async def test_any_node_of_the_list_will_do(nats_url: str, nobody: str) -> None:
    # The user stands in the URL of the node that is away.
    there = urlsplit(nats_url)
    user = there.netloc.rpartition("@")[0]
    away = nobody.replace("nats://", f"nats://{user}@")
    client = await connect_bus(f"{away},nats://{there.netloc.rpartition('@')[2]}", "test")
    try:
        async with asyncio.timeout(60):
            await client.arrived()
        await client.publish("x.y", b"z")
        await client.flush()
    finally:
        await client.close()


async def test_a_bus_that_is_away_is_not_waited_for(nobody: str) -> None:
    async with asyncio.timeout(60):
        client = await connect_bus(nobody, "test")
    try:
        assert not client.is_connected
        with pytest.raises(nats.errors.ConnectionClosedError):
            await client.publish("x", b"")
        with pytest.raises(nats.errors.ConnectionClosedError):
            await client.jetstream().stream_info("X")
    finally:
        async with asyncio.timeout(60):
            await client.close()


async def test_a_bus_that_comes_later_is_found(nats_url: str) -> None:
    there = urlsplit(nats_url)
    with closing(socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    user = there.netloc.rpartition("@")[0]
    client = await connect_bus(f"nats://{user}@127.0.0.1:{port}", "test")

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))

    server = await asyncio.start_server(passed_on, "127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            await client.arrived()
        await seen(client.jetstream().account_info, lambda info: info is not None)
    finally:
        await client.close()
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_who_closes_while_the_server_is_away_waits_for_nothing() -> None:
    with servers.server_folder() as folder:
        with servers.nats_server(folder) as server:
            client = await connect_bus(server.url, "test")

        async def is_connected() -> bool:
            return client.is_connected

        await seen(is_connected, lambda found: not found)
        await client.publish("somewhere", b"later")
        await client.close()
    assert client.is_closed
