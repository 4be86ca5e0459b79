"""What the services tell of themselves as separate processes: traces over all of them, and never a
secret, in no line, metric or span.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import nats
import pytest

from contracts.subjects import FACTS_STREAM
from tests import servers
from tests.e2e.deployment import Urls, started
from tests.e2e.test_separate_processes import first_key, project_token
from tests.otlp import Collector, SeenSpan, collecting
from tests.waiting import until

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


def lines(deployment: Deployment) -> list[dict[str, object]]:
    return [json.loads(line) for line in deployment.output.read_bytes().splitlines()]
