"""Without the bus nothing is said to be kept, and clients are told to come again."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from services.command.capture import app as capture
from services.common.accounts import administration
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.postgres.database import pool
from tests import servers

pytestmark = pytest.mark.anyio


async def test_while_the_bus_is_away_events_are_refused_for_the_moment(
    postgres_url: str, server_folder: Path
) -> None:
    folder = server_folder / "outage"
    folder.mkdir(mode=0o711)
    running = ExitStack()
    bus = running.enter_context(servers.nats_server(folder))
    app = compose([foundation(postgres_url), capture.part(bus.url)])
    async with pool(postgres_url) as connections, app.lifespan():
        organization = await administration.create_organization(connections, "Ours")
        project = await administration.create_project(connections, organization.id, "Shop")
        event = {"api_key": project.api_token, "event": "visit", "distinct_id": "anna"}
        transport = ASGITransport(app=cast("Any", app))
        async with AsyncClient(transport=transport, base_url="http://recount.test") as client:
            assert (await client.post("/e/", json=event)).status_code == 200
            await asyncio.to_thread(running.close)
            for path in ("/e/", "/batch/"):
                answer = await client.post(path, json=event, headers={"Origin": "https://a.de"})
                assert answer.status_code == 503
                assert answer.headers["retry-after"] == "1"
                assert answer.headers["access-control-allow-origin"] == "https://a.de"
                assert answer.json()["code"] == "unavailable"
