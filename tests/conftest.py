"""What all tests share: real servers, and a fresh database (stream, table prefix) per test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import servers

if TYPE_CHECKING:
    from services.common.clickhouse import ClickHouse
    from tests.whole import Whole


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files anew")


# Tests of whole deployments, of processes that are killed and of browsers: next to another worker's
# tests they may get too little of a machine. Such a one is tried once more, and the run tells it.
TRIED_TWICE = ("browser", "e2e", "embedded", "faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in TRIED_TWICE:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are written anew instead of compared."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests and fixtures run on the loop that the services run on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    with servers.server_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def databases(server_folder: Path) -> Iterator[servers.Databases]:
    with servers.postgres_server(server_folder) as running:
        yield running


@pytest.fixture
def postgres_url(databases: servers.Databases) -> Iterator[str]:
    """A fresh database with every migration applied."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_postgres_url(databases: servers.Databases) -> Iterator[str]:
    """A fresh database without any table."""
    with databases.empty() as url:
        yield url


@pytest.fixture(scope="session")
def shared_bus(server_folder: Path) -> Iterator[servers.NatsServer]:
    """One nats-server for the whole run; tests keep apart by `stream_prefix`."""
    with servers.nats_server(server_folder) as running:
        yield running


@pytest.fixture(scope="session")
def nats_url(shared_bus: servers.NatsServer) -> str:
    """Of the shared one."""
    return shared_bus.url


@pytest.fixture
def stream_prefix() -> str:
    """To put before stream names and subjects: unique to this test, without a dot."""
    return servers.unique("t")


@pytest.fixture
async def clickhouse(server_folder: Path) -> "AsyncIterator[ClickHouse]":
    """A database of its own on this process's one chDB engine, with the tables in it."""
    async with servers.clickhouse(server_folder) as opened:
        yield opened


@pytest.fixture
async def whole(
    postgres_url: str, nats_url: str, clickhouse: "ClickHouse", server_folder: Path
) -> "AsyncIterator[Whole]":
    """All services but capture in this process, with a member's key for everything."""
    from tests.whole import running

    url = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
    async with running(postgres_url, nats_url, clickhouse, url) as opened:
        yield opened
