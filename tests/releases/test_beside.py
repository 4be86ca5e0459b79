"""The release before beside this one, forward, back and forward again, while clients go on."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from contracts.codec import decode_event
from contracts.events.insight import InsightCreated, InsightRenamed
from tests import servers
from tests.e2e.deployment import Started
from tests.embedded.recount_process import ROOT
from tests.releases.both import BEFORE, Both, Servers, code_before, is_here
from tests.releases.work import SIGN_UPS, Client
from tests.shards import shard
from tests.waiting import until

CLIENTS = 4
DONE_BETWEEN = 40
# As if it were of this release: nobody writes it here but who is told to.
KIND = "insight.tagged.v1"

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.skipif(not is_here(), reason=f"this clone has no {BEFORE}"),
]


class Upgrade:
    """One deployment on its way from a release to another."""

    def __init__(self, both: Both, before: Path, url: str, clients: list[Client]) -> None:
        self.both = both
        self.before = before
        self.url = url
        self.clients = clients
        self.running: dict[str, Started] = {}

    def replace(self, service: str, code: Path) -> None:
        """Beside each other for a while; then the other one alone."""
        newer = self.both.start(service, code)
        self.works_on(f"{service} of both")
        self.both.stop(service, self.running[service])
        self.running[service] = newer
        self.works_on(f"{service} of one")

    def works_on(self, what: str) -> None:
        goal = self.done() + DONE_BETWEEN
        until(lambda: self.done() >= goal or bool(self.wrong()), f"clients go on: {what}", 180)
        assert self.wrong() == []
        assert parked(self.url) == []

    def done(self) -> int:
        return sum(client.done for client in self.clients)

    def wrong(self) -> list[str]:
        return [wrong for client in self.clients for wrong in client.wrong]


def parked(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT projection, reason FROM parked_streams").fetchall()


@contextmanager
def upgrade(url: str, folder: Path) -> Iterator[Upgrade]:
    """All of the release before, with a project and clients that write."""
    (folder / "before").mkdir()
    with (
        servers.server_folder() as made,
        servers.nats_server(made) as bus,
        shard(folder / "shard") as stored,
        code_before(folder / "before") as before,
        ExitStack() as ends,
    ):
        both = Both(Servers(url, bus.url, stored.replicas[0].url), ends)
        assert both.recount(before, "migrate").returncode == 0
        key = {
            "Authorization": f"Bearer {both.recount(before, 'keys', 'create').stdout.split()[0]}"
        }
        with psycopg.connect(url) as conn:
            ((token,),) = conn.execute("SELECT api_token FROM projects WHERE id = 1").fetchall()
        clients = [Client(number, both.any_url, key, token) for number in range(CLIENTS)]
        opened = Upgrade(both, before, url, clients)
        for service in ("command", "projector", "query"):
            opened.running[service] = both.start(service, before)
        for client in clients:
            client.start()
        try:
            yield opened
        finally:
            for client in clients:
                client.enough.set()
            for client in clients:
                client.join(180)


@pytest.mark.timeout(1800)
def test_forward_back_and_forward_again(empty_postgres_url: str, tmp_path: Path) -> None:
    with upgrade(empty_postgres_url, tmp_path) as way:
        both, before = way.both, way.before
        way.works_on("the release before alone")
        forward(way)
        back(way)
        assert not any(is_of_this(way, service) for service in way.running)
        forward(way)
        finished = both.recount(ROOT, "release", "finish")
        assert KIND in finished.stdout, finished.stderr
        assert tag(way).status_code == 200
        code, said = both.refused("projector", before)
        assert (code, "those of a newer Recount" in said) == (2, True), said
        way.works_on("finished")
        for client in way.clients:
            client.enough.set()
        for client in way.clients:
            client.join(180)
        assert way.wrong() == []
        check(way)
        report(way)


def forward(way: Upgrade) -> None:
    """The order of docs/upgrade.md."""
    migrated = way.both.recount(ROOT, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    with psycopg.connect(way.url) as conn:
        conn.execute("DELETE FROM log_writes WHERE kind = %s", (KIND,))
    way.works_on("the release before on the new tables")
    for service in ("projector", "query", "command"):
        refused = way.both.recount(ROOT, "release", "finish")
        assert (refused.returncode, "an older release" in refused.stderr) == (1, True), refused
        way.replace(service, ROOT)
    assert tag(way).status_code == 503


def back(way: Upgrade) -> None:
    for service in ("command", "query", "projector"):
        way.replace(service, way.before)


def is_of_this(way: Upgrade, service: str) -> bool:
    with psycopg.connect(way.url) as conn:
        found = conn.execute("SELECT FROM processes WHERE service = %s", (service,))
        return found.fetchone() is not None


def tag(way: Upgrade) -> httpx.Response:
    """What appends the kind of fact that the release before is taken not to know."""
    client = next(each for each in way.clients if each.names)
    url = f"{way.both.any_url('command')}/api/projects/1/insights/{min(client.names)}/"
    tags = {"tags": ["new", str(time.monotonic())]}
    return httpx.patch(url, headers=client._key, json=tags, timeout=60)


def check(way: Upgrade) -> None:
    """What was acknowledged is there once: in the log, in the rows, among the product events."""
    names = {number: name for client in way.clients for number, name in client.names.items()}
    written: Counter[str | None] = Counter()
    last: dict[int, str | None] = {}
    numbers: dict[bytes, int] = {}
    with psycopg.connect(way.url) as conn:
        rows = conn.execute("SELECT originator_id, topic, state FROM log ORDER BY notification_id")
        for stream, topic, state in rows:
            event = decode_event(topic, state)
            if isinstance(event, InsightCreated):
                numbers[stream] = event.insight_id
            if isinstance(event, InsightCreated | InsightRenamed):
                written[event.name] += 1
                last[numbers[stream]] = event.name
    assert last == names
    assert set(written.values()) == {1}
    people = sum(client.people for client in way.clients)
    until(lambda: funnel(way) == [people, people], f"{people} people are counted", 180)
    verified = way.both.recount(ROOT, "verify")
    assert verified.returncode == 0, verified.stderr
    rebuilt = way.both.recount(ROOT, "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    for line in rebuilt.stdout.splitlines():
        assert " 0 rows removed, 0 written, 0 streams parked" in line, line


def funnel(way: Upgrade) -> list[int]:
    answer = httpx.post(
        f"{way.both.any_url('query')}/api/projects/1/insights/funnel/",
        headers=way.clients[0]._key,
        json=SIGN_UPS,
        timeout=120,
    )
    return [step["count"] for step in answer.json()["result"]] if answer.is_success else []


def report(way: Upgrade) -> None:
    """Shown with `-s`: the figures of docs/upgrade.md."""
    insights = sum(len(client.names) for client in way.clients)
    print(
        f"\n{way.done()} operations of {CLIENTS} clients over 9 replaced services: {insights}"
        f" insights, {2 * sum(client.people for client in way.clients)} events;"
        f" {sum(client.repeats for client in way.clients)} requests asked again, the longest wait"
        f" {max(client.longest_seconds for client in way.clients):.1f} s; lost 0, doubled 0,"
        " parked 0"
    )
