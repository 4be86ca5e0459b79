"""One server per section: its tests make what they speak of, and never look at the rest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import servers, whole
from tests.contracts.api.talk import Api


@pytest.fixture(scope="module")
async def api(
    databases: servers.Databases, nats_url: str, server_folder: Path
) -> AsyncIterator[Api]:
    """All services but capture in this process, spoken to as ada, who made the first insight."""
    with databases.migrated() as postgres_url:
        async with servers.clickhouse(server_folder) as clickhouse:
            url = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
            async with whole.running(postgres_url, nats_url, clickhouse, url) as running:
                yield Api(running)
