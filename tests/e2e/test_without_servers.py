"""Services that start while a server behind them is away: they do what they can without it."""

from collections.abc import Iterator
from contextlib import closing
from socket import socket
from typing import Any

import httpx
import pytest

from tests.e2e.deployment import Started, Urls, started
from tests.e2e.test_separate_processes import asked, first_key, project_token

pytestmark = pytest.mark.anyio


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing answers."""
    with closing(socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


async def test_without_nats_and_clickhouse_insights_are_written_and_read(
    empty_postgres_url: str, nobody: str
) -> None:
    urls = Urls(empty_postgres_url, f"nats://recount:x@{nobody}", f"http://{nobody}")
    with started(["command", "projector", "query"], urls) as running:
        command, query = running["command"].url, running["query"].url
        assert await told(running["command"]) == {"capture", "relay"}
        assert await told(running["query"]) == {"clickhouse"}
        # Nobody has given it a key to sign checkpoints with.
        assert await told(running["projector"]) == {"product events", "checkpoints"}

        key = {"Authorization": f"Bearer {first_key(urls)}"}
        insights = f"{command}/api/projects/1/insights/"
        created = await asked("POST", insights, headers=key, json={"name": "Sign-ups"})
        assert created.status_code == 201, created.text
        path = f"/api/projects/1/insights/{created.json()['id']}/"
        position = {"Insights-Position": created.headers["Insights-Position"]}
        read = await asked("GET", f"{query}{path}", headers={**key, **position})
        assert read.json()["name"] == "Sign-ups"

        event = {"event": "opened", "distinct_id": "ann"}
        body = {"api_key": project_token(urls), "batch": [event]}
        captured = await asked("POST", f"{command}/batch/", json=body)
        funnel = {"events": [{"id": "a"}, {"id": "b"}]}
        computing = f"{query}/api/projects/1/insights/funnel/"
        computed = await asked("POST", computing, headers=key, json=funnel)
        for answer in (captured, computed):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["code"] == "unavailable"


async def told(service: Started) -> set[str]:
    """The parts that /_readyz calls degraded; none is failing."""
    answer = await asked("GET", f"{service.url}/_readyz")
    parts: dict[str, dict[str, Any]] = answer.json()["parts"]
    assert answer.status_code == httpx.codes.OK
    assert not [part for part in parts.values() if part["status"] == "failing"]
    return {name for name, part in parts.items() if part["status"] == "degraded"}
