"""A pair of PostgreSQL servers and a nats-server for the tests of a file that fail over."""

from collections.abc import AsyncIterator, Iterator

import pytest

from contracts.subjects import FACTS_STREAM
from tests import servers
from tests.postgres_standby import Replicated, replicated
from tests.services.command.bus.failover import LogOnPair, with_database
from tests.services.command.bus.setup import facts_bus


@pytest.fixture(scope="module")
def pair_nats_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    with servers.server_folder() as folder, replicated(folder) as running:
        yield running


@pytest.fixture
def log(pair: Replicated) -> LogOnPair:
    return with_database(pair)


@pytest.fixture
async def nats(pair_nats_url: str, log: LogOnPair) -> AsyncIterator[str]:
    """A service knows one public stream, by its name: nobody has published to this one."""
    yield pair_nats_url
    async with facts_bus(log.url, pair_nats_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)
