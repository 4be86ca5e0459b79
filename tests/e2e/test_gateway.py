"""compose.yaml's gateway rules in a real Caddy, before two of each service: one of them dies, and
one freezes.
"""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests import servers
from tests.e2e.deployment import CADDY, Started, Urls, gateway, started
from tests.e2e.test_separate_processes import asked, first_key
from tests.waiting import seen

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CADDY is None, reason="there is no caddy; Debian has it as a package"),
]


class Deployed(msgspec.Struct, frozen=True):
    url: str
    services: Mapping[str, Started]
    key: dict[str, str]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await asked(method, f"{self.url}/api/projects/1/{path}", headers=self.key, **more)

    async def create(self) -> httpx.Response:
        return await self.ask("POST", "insights/", json={"name": "A"})


@pytest.fixture(scope="module")
def deployed(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        databases.empty() as url,
        servers.server_folder() as made,
        servers.nats_server(made) as bus,
    ):
        urls = Urls(url, bus.url, "http://127.0.0.1:1")
        services = ["command", "command 2", "query", "query 2", "projector"]
        with started(services, urls) as running, gateway(running, folder) as address:
            key = {"Authorization": f"Bearer {first_key(urls)}"}
            yield Deployed(address, running, key)


async def test_what_is_inside_is_not_told_outside(deployed: Deployed) -> None:
    for path in ("metrics", "_livez", "_readyz"):
        answer = await asked("GET", f"{deployed.url}/{path}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    created = await deployed.create()
    assert created.status_code == 201, created.text
    assert "server" not in created.headers


async def test_a_body_that_is_too_large_is_refused_at_the_door(deployed: Deployed) -> None:
    async def refused() -> httpx.Response | None:
        try:
            return await deployed.ask("POST", "insights/", content=b" " * 24_000_100)
        except httpx.TransportError:
            # The door was closed before the client had read what is written on it.
            return None

    answer = await seen(refused, lambda answer: answer is not None)
    assert answer is not None
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


@pytest.mark.timeout(400)
async def test_nobody_is_sent_to_a_frozen_service(deployed: Deployed) -> None:
    made = (await deployed.create()).json()["id"]
    frozen = [deployed.services["command 2"].process, deployed.services["query 2"].process]
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        # Those that they get before that is seen wait for them; none does after. By chance alone
        # so many in a row would hardly ever go to the others.
        await seen(lambda: all_without_wait(deployed, made, 20), bool, 300)
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)


async def all_without_wait(deployed: Deployed, insight: int, count: int) -> bool:
    for _ in range(count):
        if not await without_wait(deployed, insight):
            return False
    return True


async def without_wait(deployed: Deployed, insight: int) -> bool:
    """Whether a write and a read are answered while the others are frozen for good."""
    # Far less than the gateway's own patience with somebody who does not answer.
    async with httpx.AsyncClient(timeout=15, headers=deployed.key) as client:
        insights = f"{deployed.url}/api/projects/1/insights/"
        try:
            written = await client.post(insights, json={"name": "B"})
            read = await client.get(f"{insights}{insight}/")
        except httpx.TimeoutException:
            return False
    return (written.status_code, read.status_code) == (201, 200)


async def test_a_dead_service_costs_what_it_was_answering(deployed: Deployed) -> None:
    """The last one: nothing brings them back."""
    for name in ("command 2", "query 2"):
        deployed.services[name].process.kill()
        deployed.services[name].process.wait(60)
    for _ in range(20):
        created = await deployed.create()
        assert created.status_code == 201, created.text
        path = f"insights/{created.json()['id']}/"
        position = {"Insights-Position": created.headers["Insights-Position"], **deployed.key}
        read = await asked("GET", f"{deployed.url}/api/projects/1/{path}", headers=position)
        assert read.status_code == 200, read.text


async def test_with_nobody_left_the_answer_says_when_to_ask_again(
    deployed: Deployed, tmp_path: Path
) -> None:
    nobody = {
        name: Started(one.process, "http://127.0.0.1:1") for name, one in deployed.services.items()
    }
    with gateway(nobody, tmp_path) as url:
        answer = await asked("GET", f"{url}/api/projects/1/insights/")
    assert answer.status_code in {502, 503}
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0
