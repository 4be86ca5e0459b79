"""What the services tell of themselves as separate processes: traces over all of them, and never a
secret, in no line, metric or span.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import nats
import pytest
from litestar import Litestar

from contracts.subjects import FACTS_STREAM
from services.command.app import create_app as command_app
from services.command.settings import CommandSettings
from services.common.log_events import MEANINGS
from services.query.app import create_app as query_app
from services.query.settings import QuerySettings
from tests import servers
from tests.e2e.deployment import Urls, started
from tests.e2e.test_separate_processes import first_key, project_token
from tests.otlp import Collector, SeenSpan, collecting
from tests.waiting import until

# Three services start first, each in its time.
pytestmark = pytest.mark.timeout(600)

SECRET = "pl4nted-Secret-9f3c"
PROJECTIONS = {"insights", "sharing", "activity", "last_viewed", "catalog", "history"}


class Deployment(msgspec.Struct, frozen=True):
    """output: all that the services have written, on both streams."""

    command: str
    query: str
    projector: str
    key: str
    token: str
    bus: str
    collector: Collector
    output: Path


@pytest.fixture(scope="module")
def deployment(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("watched")
    output = folder / "output"
    with (
        collecting() as collector,
        databases.empty() as database,
        servers.server_folder() as own,
        servers.nats_server(own) as bus,
        output.open("wb") as written,
    ):
        urls = Urls(database, bus.url, folder, traces=collector.url)
        # Every statement is a slow one.
        more = {"RECOUNT_QUERY_SLOW_SECONDS": "0", "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with started(["command", "projector", "query"], urls, more, written) as running:
            yield Deployment(
                command=running["command"].url,
                query=running["query"].url,
                projector=running["projector"].url,
                key=first_key(urls),
                token=project_token(urls),
                bus=bus.url,
                collector=collector,
                output=output,
            )


def created(deployment: Deployment, name: str, **headers: str) -> httpx.Response:
    answer = httpx.post(
        f"{deployment.command}/api/projects/1/insights/",
        headers={"Authorization": f"Bearer {deployment.key}", **headers},
        json={"name": name},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    return answer


def whole(spans: list[SeenSpan]) -> bool:
    """Whether all that a command leads to was told."""
    names = [span.name for span in spans]
    applied = {s.attributes["recount.projection"] for s in spans if s.name == "projection apply"}
    return "relay publish" in names and "append" in names and applied == PROJECTIONS


async def test_a_trace_goes_on_from_the_client_to_the_rows_and_the_bus(
    deployment: Deployment,
) -> None:
    trace, span = uuid4(), "00f067aa0ba902b7"
    answer = created(deployment, "Traced", traceparent=f"00-{trace.hex}-{span}-01")
    assert UUID(answer.headers["Request-Id"]) == trace
    collector = deployment.collector
    until(lambda: whole(collector.trace(trace)), "the trace is whole")

    spans = collector.trace(trace)
    (http,) = (each for each in spans if each.name.startswith("POST "))
    assert http.name == "POST /api/projects/{project}/insights"
    assert (http.service, http.parent, http.failed) == ("recount-command", span, False)
    (append,) = (each for each in spans if each.name == "append")
    assert (append.service, append.parent) == ("recount-command", http.id)
    assert append.attributes["recount.position"] == answer.headers["Insights-Position"]
    for each in spans:
        if each.name in ("relay publish", "projection apply"):
            assert each.parent == append.id
            assert each.attributes["recount.position"] == append.attributes["recount.position"]
    assert {each.service for each in spans} == {"recount-command", "recount-projector"}
    async with await nats.connect(deployment.bus) as subscriber:
        message = await subscriber.jetstream().get_msg(
            FACTS_STREAM, int(append.attributes["recount.position"])
        )
    assert message.headers is not None
    assert message.headers["traceparent"] == f"00-{trace.hex}-{append.id}-01"


def test_who_asks_for_no_trace_gets_none(deployment: Deployment) -> None:
    not_sampled, sampled = uuid4(), uuid4()
    # The ratio is 0 here.
    ours = created(deployment, "Ours").headers["Request-Id"]
    created(deployment, "Not", traceparent=f"00-{not_sampled.hex}-00f067aa0ba902b7-00")
    created(deployment, "Yes", traceparent=f"00-{sampled.hex}-00f067aa0ba902b7-01")
    until(lambda: whole(deployment.collector.trace(sampled)), "the last one's trace is whole")
    assert deployment.collector.trace(UUID(ours)) == []
    assert deployment.collector.trace(not_sampled) == []


def test_a_correlation_of_the_clients_own_links_to_its_trace(deployment: Deployment) -> None:
    correlation, trace = uuid4(), uuid4()
    headers = {
        "X-Correlation-Id": str(correlation),
        "traceparent": f"00-{trace.hex}-00f067aa0ba902b7-01",
    }
    answer = created(deployment, "Correlated", **headers)
    assert answer.headers["Request-Id"] == str(correlation)
    until(lambda: whole(deployment.collector.trace(correlation)), "the trace is whole")
    (http,) = (s for s in deployment.collector.trace(correlation) if s.name.startswith("POST "))
    assert (http.parent, http.links) == ("", [(trace, "00f067aa0ba902b7")])


def planted(service: Litestar) -> list[tuple[str, str]]:
    """Each route of a service with the secret in the place of every parameter but the project."""
    return [
        (str(method), re.sub(r"\{\w+:\w+\}", SECRET, route.path.replace("{project:str}", "1")))
        for route in service.routes
        for method in sorted(route.methods - {"OPTIONS"})
        if not route.path.endswith("/stream") and not route.path.startswith("/api/environments")
    ]


def everything(deployment: Deployment) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, URL, what is sent): requests of every route, and of every kind that has a secret."""
    apps = {
        deployment.command: command_app(CommandSettings(database_url="", nats_url="")),
        deployment.query: query_app(QuerySettings(database_url="", clickhouse_url="http://x")),
    }
    ways: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {deployment.key}", "If-Match": SECRET}},
        {"headers": {"Authorization": f"Bearer phx_{SECRET}", "Idempotency-Key": SECRET}},
        {"headers": {"Cookie": f"session={SECRET}", "X-Correlation-Id": SECRET}},
        {"params": {"personal_api_key": SECRET, "sharing_access_token": SECRET}},
    ]
    for url, app in apps.items():
        for number, (method, path) in enumerate(planted(app)):
            way = ways[number % len(ways)]
            content = [json.dumps({"name": SECRET, "password": SECRET}), f'{{"broken": "{SECRET}'][
                number % 2
            ]
            sent = None if method in ("GET", "HEAD", "OPTIONS") else content
            yield method, url + path, {**way, "content": sent}


def bodies(deployment: Deployment) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Requests that are done, one after the other, with the secret in what they say."""
    project = f"{deployment.command}/api/projects/1"
    ours = {"headers": {"Authorization": f"Bearer {deployment.key}"}}
    made = created(deployment, f"Named {SECRET}").json()["id"]
    yield "PATCH", f"{project}/insights/{made}/sharing/", {**ours, "json": {"enabled": True}}
    passwords = f"{project}/insights/{made}/sharing/passwords/"
    yield "POST", passwords, {**ours, "json": {"raw_password": SECRET}}
    hook = {"url": f"https://user:{SECRET}@192.0.2.1/{SECRET}", "secret": SECRET}
    yield "POST", f"{project}/webhooks/", {**ours, "json": hook}
    event = {"event": SECRET, "distinct_id": SECRET, "properties": {"password": SECRET}}
    for token in (deployment.token, SECRET):
        batch = {"api_key": token, "batch": [event]}
        yield "POST", f"{deployment.command}/batch/", {"json": batch}
    where = [{"key": "plan", "value": SECRET, "operator": "exact", "type": "event"}]
    funnel = {"events": [{"id": SECRET, "properties": where}, {"id": SECRET, "order": 1}]}
    asked = f"{deployment.query}/api/projects/1/insights/funnel/"
    yield "POST", asked, {**ours, "json": funnel}
    pattern = [{"key": "plan", "value": f"({SECRET}", "operator": "regex", "type": "event"}]
    yield "POST", asked, {**ours, "json": {"events": [{"id": "a", "properties": pattern}]}}


async def test_no_line_no_metric_and_no_span_has_a_secret(deployment: Deployment) -> None:
    trace = uuid4()
    sampled = {"traceparent": f"00-{trace.hex}-00f067aa0ba902b7-01"}
    statuses = Counter[int]()
    at_once = asyncio.Semaphore(8)
    async with httpx.AsyncClient(timeout=120) as client:

        async def send(method: str, url: str, sent: dict[str, Any]) -> None:
            headers = {**sampled, **sent.pop("headers", {})}
            async with at_once:
                answer = await client.request(method, url, headers=headers, **sent)
            statuses[answer.status_code] += 1

        await asyncio.gather(*(send(*each) for each in everything(deployment)))
        for each in bodies(deployment):
            await send(*each)
        pages = [
            (await client.get(f"{url}/metrics")).text
            for url in (deployment.command, deployment.query, deployment.projector)
        ]
    # Each of them was answered as a request of its kind, none by a defect.
    assert {200, 400, 401, 403, 404} <= statuses.keys(), statuses
    assert 500 not in statuses
    at_last = created(deployment, "The last one", traceparent=f"00-{uuid4().hex}-{'1' * 16}-01")
    last = UUID(at_last.headers["Request-Id"])
    until(lambda: whole(deployment.collector.trace(last)), "the last trace is whole")

    written = deployment.output.read_bytes()
    for found in (written, bytes(deployment.collector.raw), "".join(pages).encode()):
        for secret in (SECRET, deployment.key, deployment.token):
            assert secret.encode() not in found
    lines = [json.loads(line) for line in written.splitlines()]
    assert {line["event"] for line in lines} <= MEANINGS.keys()
    slow = [line for line in lines if line["event"] == "slow_query"]
    assert any(line["bound"] and "{p0:" in line["sql"] for line in slow)
    assert all({"rows", "bytes", "seconds"} <= line.keys() for line in slow)
