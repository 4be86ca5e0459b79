"""The released posthog-python SDK, as it is, against the doors over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
from posthog import Posthog

from services.common.clickhouse.statement import Statement
from tests.services.command.capture.conftest import Shop

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def listening(shop: Shop) -> AsyncIterator[str]:
    """The shop's application on a loopback port; its URL."""
    config = uvicorn.Config(cast("Any", shop.app), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        await serving


async def test_the_python_sdk_captures_and_identifies(shop: Shop) -> None:
    errors: list[object] = []

    def send(url: str) -> None:
        client = Posthog(
            shop.token,
            host=url,
            gzip=True,
            on_error=lambda error, _: errors.append(error),
            max_retries=1,
        )
        for number in range(250):
            client.capture("visit", distinct_id=f"p{number % 5}", properties={"n": number})
        client.set(distinct_id="p1", properties={"plan": "pro"})
        client.alias("p2", "p3")
        client.group_identify("company", "acme", {"size": 5})
        client.flush()
        client.shutdown()

    async with listening(shop) as url:
        await asyncio.to_thread(send, url)
    assert errors == []
    after = await shop.post("/e/", shop.event("last"))
    rows = await shop.rows(after, "SELECT event, count() FROM events GROUP BY event ORDER BY event")
    assert rows == [
        ("$create_alias", 1), ("$groupidentify", 1), ("$set", 1), ("last", 1), ("visit", 250),
    ]  # fmt: skip
    plan = "SELECT properties.plan::String FROM persons FINAL WHERE properties.plan IS NOT NULL"
    assert await shop.clickhouse.query(Statement(plan, {})) == [("pro",)]
    merged = await shop.clickhouse.query(Statement("SELECT count() FROM person_overrides", {}))
    assert merged == [(1,)]
