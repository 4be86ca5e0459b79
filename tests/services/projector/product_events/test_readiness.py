"""What /_readyz says of the projector of product events."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from psycopg import AsyncConnection

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.http.app import compose
from services.common.stream import capture_stream, ensure_capture_stream, whole_capture_stream
from services.projector.product_events import lease
from services.projector.product_events import part as ingesting
from tests.services.projector.product_events.setup import Servers, event
from tests.waiting import seen


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


@pytest.fixture
def app(servers: Servers, nats_url: str, server_folder: Path) -> Litestar:
    clickhouse_url = f"chdb://{server_folder / 'chdb'}?database={servers.clickhouse.database}"
    part = ingesting.part(servers.postgres_url, nats_url, clickhouse_url, prefix=servers.prefix)
    return compose([part])


async def becomes(client: AsyncTestClient[Litestar], status: str) -> tuple[int, str | None]:
    """The answer's status once the part is so, and the reason it gives."""

    async def look() -> tuple[int, dict[str, Any]]:
        answer = await client.get("/_readyz")
        return answer.status_code, answer.json()["parts"]["product events"]

    answered, part = await seen(look, lambda told: bool(told[1]["status"] == status))
    return answered, part["reason"]


async def test_an_ingest_that_stopped_is_told_with_the_reason(
    app: Litestar, servers: Servers
) -> None:
    """Stopped by what no waiting mends: somebody has to come."""
    await servers.stored([event()])
    async with await AsyncConnection.connect(servers.postgres_url, autocommit=True) as conn:
        await conn.execute("ALTER TABLE ingest_progress RENAME TO elsewhere")
    async with AsyncTestClient(app) as client:
        status, reason = await becomes(client, "degraded")
    assert status == 200
    assert "not stored any more" in (reason or "")
    assert "ingest_progress" in (reason or "")


async def test_an_ingest_goes_on_with_another_stream_of_the_same_name(
    app: Litestar, servers: Servers
) -> None:
    await servers.stored([event()])
    await servers.stored([event()])
    await servers.bus.jetstream().delete_stream(capture_stream(servers.prefix))
    await ensure_capture_stream(servers.bus, servers.prefix)
    async with AsyncTestClient(app) as client:
        assert await becomes(client, "ok") == (200, None)
        # As every capture door does before it takes an event.
        await whole_capture_stream(servers.bus, 2, servers.prefix)
        assert await servers.send([event()]) == 3
        await seen(
            lambda: servers.rows("SELECT count() FROM events"), lambda found: found == [(3,)]
        )


async def test_an_ingest_that_waits_for_a_server_is_degraded_until_it_goes_on(
    app: Litestar, servers: Servers
) -> None:
    database = servers.clickhouse.database
    async with AsyncTestClient(app) as client:
        assert await becomes(client, "ok") == (200, None)
        await servers.clickhouse.command(f"RENAME TABLE {database}.events TO {database}.away")
        await servers.send([event()])
        status, reason = await becomes(client, "degraded")
        assert status == 200
        assert "product events wait: QueryFailed" in (reason or "")
        await servers.clickhouse.command(f"RENAME TABLE {database}.away TO {database}.events")
        assert await becomes(client, "ok") == (200, None)
        await seen(
            lambda: servers.rows("SELECT count() FROM events"), lambda found: found == [(1,)]
        )


async def test_one_that_stands_by_has_no_trouble_of_its_own(
    app: Litestar, servers: Servers
) -> None:
    database = servers.clickhouse.database
    async with AsyncTestClient(app) as client:
        await servers.clickhouse.command(f"RENAME TABLE {database}.events TO {database}.away")
        await servers.send([event()])
        await becomes(client, "degraded")
        async with await psycopg.AsyncConnection.connect(servers.postgres_url) as another:
            # The lease of the stream, between two attempts of the other.
            name = capture_stream(servers.prefix)
            await another.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (lease.LEASE, name))
            assert await becomes(client, "ok") == (200, None)
