"""One subscriber, handed at random between the four ways, while writers write and services die."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from tests import servers
from tests.e2e.deployment import Started, Urls, command, is_ready, migrate
from tests.embedded.recount_process import ROOT, free_port
from tests.waiting import until

FOLLOW = ROOT / "docs" / "follow.py"
WRITERS = 8
WAYS = ["pull", "stream", "bus", "webhook"]
SERVICES = ["command", "query", "projector"]
LOOPBACK = "127.0.0.0/8"
# After so many facts more it goes on another way.
LEAST_TAKEN = 5


class Deployment:
    """The three services, each a process that is killed and started again where it was."""

    def __init__(self, urls: Urls, ends: ExitStack) -> None:
        self._urls = urls
        self._ends = ends
        self._ports = {service: free_port() for service in SERVICES}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self._ports[service]}"

    def start(self, service: str) -> None:
        words, environment = command(service, self._urls)
        own = f"RECOUNT_{service.upper()}"
        environment[f"{own}_PORT"] = str(self._ports[service])
        if service != "query":
            environment[f"{own}_WEBHOOKS_ALLOW"] = LOOPBACK
        process = self._ends.enter_context(subprocess.Popen(words, env=environment))
        self._ends.callback(process.kill)
        self._running[service] = process
        ready = Started(process, self.url(service))
        until(lambda: is_ready(ready), f"{service} is ready", 60)

    def kill(self, service: str) -> None:
        self._running[service].kill()
        self._running[service].wait()
        self.start(service)


class Handed(msgspec.Struct, frozen=True):
    """A deployment with a key of its administrator's."""

    services: Deployment
    key: dict[str, str]
    folder: Path

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Until it is answered: services die under it, and have limits."""
        headers = {**self.key, "Idempotency-Key": str(uuid4())}
        service = "query" if method == "GET" else "command"
        for _ in range(600):
            with suppress(httpx.TransportError):
                where = f"{self.services.url(service)}/api/projects/1/{path}"
                answer = httpx.request(method, where, headers=headers, timeout=30, **sent)
                if answer.status_code < 429:
                    return answer
            time.sleep(0.2)
        raise AssertionError(f"{method} {path} is not answered")


@pytest.mark.timeout(600)
def test_a_subscriber_that_changes_the_way_misses_nothing_and_doubles_nothing(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    chance = random.Random(20261201)
    with servers.server_folder() as folder, servers.nats_server(folder) as bus, ExitStack() as ends:
        urls = Urls(empty_postgres_url, bus.url, tmp_path, bus.issuer, bus.system_user)
        services = Deployment(urls, ends)
        migrate(urls)
        services.start("command")
        handed = Handed(services, first_key(urls), tmp_path)
        for service in ("query", "projector"):
            services.start(service)
        made = handed.ask("POST", "bus_consumers/", json={"name": "Handed over", "after": "0"})
        assert made.status_code == 201, made.text
        (tmp_path / "bus.json").write_bytes(made.content)
        enough = threading.Event()
        writers = [
            threading.Thread(target=write, args=(handed, one, enough)) for one in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        kept: list[str] = []
        for way in chance.sample(WAYS * 2, 2 * len(WAYS)):
            with following(handed, way, cursor(kept)) as process:
                services.kill(chance.choice(SERVICES))
                taken = Taken(process)
                until(taken.some, f"{way} goes on", 60)
                process.send_signal(chance.choice([signal.SIGKILL, signal.SIGINT]))
                kept += taken.all()
        enough.set()
        for writer in writers:
            writer.join()
        head = int(handed.ask("GET", "facts/?after=now").json()["head"].partition("-")[0])
        with following(handed, "stream", cursor(kept)) as process:
            taken = Taken(process)
            until(lambda: len(kept) + taken.count() >= head, "it has all", 60)
            process.kill()
            kept += taken.all()
        assert head > 2 * len(WAYS) * LEAST_TAKEN
        assert [line.partition(" ")[0] for line in kept] == cursors_of_the_log(handed)


def write(handed: Handed, number: int, enough: threading.Event) -> None:
    """An insight, and what happens to it."""
    made = handed.ask("POST", "insights/", json={"name": f"Insight of {number}"})
    assert made.status_code == 201, made.text
    path = f"insights/{made.json()['id']}/"
    times = 0
    while not enough.wait(1.0):
        times += 1
        renamed = handed.ask("PATCH", path, json={"name": f"Renamed {times} times by {number}"})
        assert renamed.status_code == 200, renamed.text


class Taken:
    """The whole lines that a subscriber has printed; a line that its death cut short is none."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(process,))
        self._reader.start()

    def count(self) -> int:
        return len(self._lines)

    def some(self) -> bool:
        return self.count() >= LEAST_TAKEN

    def all(self) -> list[str]:
        """Once the process is about to end."""
        self._reader.join(30)
        assert not self._reader.is_alive(), "the subscriber did not end"
        return self._lines

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self._lines.extend(line for line in process.stdout if line.endswith("\n"))


@contextmanager
def following(handed: Handed, way: str, after: str) -> "Iterator[subprocess.Popen[str]]":
    """docs/follow.py, by one of its ways."""
    environment = dict(os.environ, KEY=handed.key["Authorization"].removeprefix("Bearer "))
    with ExitStack() as ends:
        match way:
            case "bus":
                source = str(handed.folder / "bus.json")
            case "webhook":
                source = str(free_port())
                where = {"url": f"http://127.0.0.1:{source}/", "after": after}
                made = handed.ask("POST", "webhooks/", json=where)
                assert made.status_code == 201, made.text
                environment["SECRET"] = made.json()["secret"]
                ends.callback(handed.ask, "DELETE", f"webhooks/{made.json()['id']}/")
            case _:
                source = f"{handed.services.url('query')}/api/projects/1"
        words = [sys.executable, str(FOLLOW), way, source, after]
        process = ends.enter_context(
            subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        )
        ends.callback(process.kill)
        yield process


def cursor(kept: list[str]) -> str:
    return kept[-1].partition(" ")[0] if kept else "0"


def cursors_of_the_log(handed: Handed) -> list[str]:
    """Of every fact there is, in order."""
    page = handed.ask("GET", "facts/?after=0&limit=1000").json()
    assert page["through"] == page["head"]
    return [f"{event['id']}-{event['hash'][:16]}" for event in page["events"]]


def first_key(urls: Urls) -> dict[str, str]:
    words, environment = command("setup", urls)
    made = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return {"Authorization": f"Bearer {made.stdout.splitlines()[0]}"}
