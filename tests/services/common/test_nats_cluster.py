"""Streams on three nodes: the loss of one, the leader too, costs time and no message."""

import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from nats.js.errors import Error

from services.common.bus import BusClient, connect_bus
from services.common.stream import (
    OutgoingMessage,
    StreamUnavailable,
    ask_jetstream,
    ensure_capture_stream,
    publish_patiently,
)
from tests.nats_cluster import Cluster, nats_cluster
from tests.waiting import seen

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    with nats_cluster(folder) as running:
        yield running


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[BusClient]:
    client = await connect_bus(cluster.url, "test")
    await client.arrived()
    yield client
    await client.close()


async def made(client: BusClient, prefix: str, replicas: int) -> str | None:
    try:
        return await ensure_capture_stream(client, prefix, replicas)
    except (StreamUnavailable, Error):
        return None  # the cluster has no leader yet


async def test_a_stream_gets_the_replicas_that_it_lacks_and_loses_none(client: BusClient) -> None:
    name = await seen(lambda: made(client, "few", 1), bool)
    for wanted, expected in ((3, 3), (1, 3)):
        await seen(partial(made, client, "few", wanted), bool)
        config = (await ask_jetstream(client, f"STREAM.INFO.{name}", {}))["config"]
        assert config["num_replicas"] == expected


async def test_the_next_leader_is_waited_for(client: BusClient, cluster: Cluster) -> None:
    name = await seen(lambda: made(client, "led", 3), bool)
    message = [OutgoingMessage("ledcapture.1", b"event")] * 5
    assert await publish_patiently(client, message) == 5

    leader = (await ask_jetstream(client, f"STREAM.INFO.{name}", {}))["cluster"]["leader"]
    node = cluster.node(leader)
    node.end(signal.SIGKILL)
    taken = [await told(client, message) for _ in range(20)]
    steps = [after - before for before, after in pairwise([5, *taken])]
    assert all(step > 0 and step % 5 == 0 for step in steps), taken
    node.start()


async def told(client: BusClient, message: list[OutgoingMessage]) -> int:
    """The last one's sequence. Nobody knows whether a leader that died has taken what it got:
    it is sent again.
    """
    while True:
        try:
            return await publish_patiently(client, message)
        except StreamUnavailable:
            continue
