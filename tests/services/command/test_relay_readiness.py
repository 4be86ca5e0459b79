"""What /_readyz says of the relay."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from contracts.subjects import fact_subject
from services.command import app as command
from services.command import publishing
from services.command.settings import CommandSettings
from services.common import stream
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.stream import ensure_facts_stream
from tests import servers
from tests.waiting import seen


@pytest.fixture
def own_nats_url() -> Iterator[str]:
    """A service knows one public stream, by its name: this one has nobody else's entries."""
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


async def test_a_relay_that_stopped_is_failing_with_the_reason(
    postgres_url: str, own_nats_url: str
) -> None:
    bus = await stream.connect(own_nats_url, "test")
    name = await ensure_facts_stream(bus)
    await bus.jetstream().publish(fact_subject(1, "insight.created.v1"), b"{}")
    await bus.close()
    settings = CommandSettings(database_url=postgres_url, nats_url=own_nats_url)
    app = compose([foundation(postgres_url), command.part(settings), publishing.part(settings)])
    async with AsyncTestClient(app) as client:

        async def look() -> tuple[int, dict[str, Any]]:
            answer = await client.get("/_readyz")
            return answer.status_code, answer.json()["parts"]["relay"]

        status, part = await seen(look, lambda told: bool(told[1]["status"] == "failing"))
    assert status == 503
    assert part["reason"].endswith(f"the relay has stopped: {name} is at 1, the log at 0")
