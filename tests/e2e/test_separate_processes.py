"""The services of compose.yaml as processes of their own, on one PostgreSQL and one nats-server."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import nats
from litestar import Litestar

from contracts.headers import INSIGHTS_POSITION
from contracts.subjects import FACTS_STREAM
from services.command.app import create_app as command_app
from services.command.settings import CommandSettings
from services.query.app import create_app as query_app
from services.query.settings import QuerySettings
from tests import servers
from tests.e2e.deployment import Gateway, Urls, command, started
from tests.shards import shard

NOWHERE = "postgresql://nowhere/"


def first_key(urls: Urls) -> str:
    words, environment = command("setup", urls)
    made = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return made.stdout.splitlines()[0]


def made_project(urls: Urls) -> dict[str, Any]:
    """As `recount projects create --json` tells it."""
    words, environment = command("setup", urls)
    create = [*words[:-1], "projects", "create", "Shop", "--json"]
    made = subprocess.run(create, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(made.stdout)
    return told


def project_token(urls: Urls) -> str:
    token: str = made_project(urls)["api_token"]
    return token


async def asked(method: str, url: str, **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.request(method, url, **more)


async def test_a_write_in_one_process_is_read_in_another_and_streamed(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    # A server of its own: the public stream is the log's, and its name is fixed here.
    with servers.server_folder() as folder, servers.nats_server(folder) as bus:
        urls = Urls(empty_postgres_url, bus.url, tmp_path)
        with started(["command", "projector", "query"], urls) as running:
            key = {"Authorization": f"Bearer {first_key(urls)}"}
            created = await asked(
                "POST",
                f"{running['command'].url}/api/projects/1/insights/",
                headers=key,
                json={"name": "Sign-ups"},
            )
            assert created.status_code == 201, created.text
            position = created.headers[INSIGHTS_POSITION]
            read = await asked(
                "GET",
                f"{running['query'].url}/api/projects/1/insights/{created.json()['id']}/",
                headers={**key, INSIGHTS_POSITION: position},
            )
            assert read.status_code == 200, read.text
            assert read.json()["name"] == "Sign-ups"
            # As the gateway asks, when it ends TLS.
            outside = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "insights.example"}
            second = await asked(
                "GET",
                f"{running['query'].url}/api/projects/1/insights/?offset=1",
                headers={**key, **outside},
            )
            before = second.json()["previous"]
            assert before.startswith("https://insights.example/api/projects/1/insights/?")
            async with await nats.connect(bus.url) as subscriber:
                facts = await subscriber.jetstream().subscribe(
                    "insights.1.>", stream=FACTS_STREAM, ordered_consumer=True
                )
                message = await facts.next_msg(timeout=60)
            assert message.metadata.sequence.stream == int(position)
            assert message.subject == "insights.1.insight.created.v1"


async def test_captured_events_are_queried_where_the_projector_stores_them(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    with (
        servers.server_folder() as folder,
        servers.nats_server(folder) as bus,
        shard(tmp_path / "shard") as stored,
    ):
        urls = Urls(empty_postgres_url, bus.url, stored.replicas[0].url)
        with started(["command", "projector", "query"], urls) as running:
            key = {"Authorization": f"Bearer {first_key(urls)}"}
            made = made_project(urls)
            url = running["command"].url
            batch = [
                {"event": event, "distinct_id": who}
                for who, event in (("ann", "opened"), ("ann", "bought"), ("bob", "opened"))
            ]
            body = {"api_key": made["api_token"], "batch": batch}
            captured = await asked("POST", f"{url}/batch/", json=body)
            assert captured.status_code == 200, captured.text
            position = captured.headers["Ingest-Position"]
            query = {"reach": position, "wait": 30}
            reached = await asked("GET", f"{url}/i/position", params=query)
            assert reached.json()["reached"]
            funnel = {"events": [{"id": "opened"}, {"id": "bought"}]}
            path = f"/api/projects/{made['id']}/insights/funnel/"
            told = await asked("POST", f"{running['query'].url}{path}", headers=key, json=funnel)
            assert told.status_code == 200, told.text
            assert [step["count"] for step in told.json()["result"]] == [2, 1]


def test_the_gateway_sends_every_route_to_a_service_that_has_it() -> None:
    apps = {
        "command": command_app(CommandSettings(database_url=NOWHERE, nats_url="nats://nowhere")),
        "query": query_app(QuerySettings(database_url=NOWHERE, clickhouse_url="http://nowhere")),
    }
    routes = {name: routes_of(app) for name, app in apps.items()}
    gateway = Gateway()
    astray = [
        (method, path)
        for method, path in sorted(routes["command"] | routes["query"])
        if not path.startswith(("/_", "/metrics"))
        and (method, path) not in routes[gateway.service(method, path)]
    ]
    assert astray == []


def routes_of(app: Litestar) -> set[tuple[str, str]]:
    """(method, path), with a word in the place of every parameter."""
    return {
        (method, re.sub(r"\{\w+:\w+\}", "7", f"{route.path}/").replace("//", "/"))
        for route in app.routes
        for method in route.methods
        if method != "OPTIONS"
    }
