"""docs/follow.py, while the relay is killed and started again, and as a person calls it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import httpx
import pytest

from tests import servers
from tests.e2e.deployment import Started, Urls, command, is_ready
from tests.embedded.recount_process import ROOT
from tests.waiting import until

LIVES, PER_LIFE = 3, 20


FOLLOW = ROOT / "docs" / "follow.py"


def test_a_subscriber_misses_nothing_and_doubles_nothing_while_the_relay_dies(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    with servers.server_folder() as folder, servers.nats_server(folder) as bus, ExitStack() as ends:
        urls = Urls(empty_postgres_url, bus.url, tmp_path)
        told = ends.enter_context((tmp_path / "told").open("w+"))
        key: dict[str, str] = {}
        following: subprocess.Popen[bytes] | None = None
        for life in range(LIVES):
            service = ends.enter_context(unguarded("command", urls))
            key = key or first_key(urls)
            following = following or ends.enter_context(follower(bus.url, told))
            for number in range(PER_LIFE):
                created = httpx.post(
                    f"{service.url}/api/projects/1/insights/",
                    headers=key,
                    json={"name": f"Insight {number} of life {life}"},
                )
                assert created.status_code == 201, created.text
            # Wherever the relay is just now, between a publication and the next, it dies there.
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
        # The last life's facts may still be on the log alone: a new relay finds and publishes them.
        ends.enter_context(unguarded("command", urls))
        until(lambda: len(lines(told)) >= LIVES * PER_LIFE, "every fact is told", 60)
        assert following is not None
        assert following.poll() is None, "the subscriber stopped: it missed something"
        positions = [int(line.split()[0]) for line in lines(told)]
        assert positions == list(range(1, LIVES * PER_LIFE + 1))
        names = [json.loads(line.split(maxsplit=3)[3])["name"] for line in lines(told)]
        assert names[-1] == f"Insight {PER_LIFE - 1} of life {LIVES - 1}"


@pytest.mark.parametrize("arguments", [[], ["nats://127.0.0.1:1", "two"], ["a", "1", "2"]])
def test_called_otherwise_it_says_how(arguments: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, str(FOLLOW), *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr == "Usage: python docs/follow.py NATS_URL [POSITION]\n"


def test_where_no_bus_answers_it_says_so_and_goes_on_trying() -> None:
    words = [sys.executable, str(FOLLOW), "nats://127.0.0.1:1"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith("; trying again …\n")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.splitlines()[-1].startswith("Stopped.")


def lines(told: TextIO) -> list[str]:
    told.flush()
    return Path(told.name).read_text().splitlines()


@contextmanager
def follower(url: str, told: TextIO) -> "Iterator[subprocess.Popen[bytes]]":
    words = [sys.executable, str(FOLLOW), url]
    with subprocess.Popen(words, stdout=told) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def unguarded(service: str, urls: Urls) -> Iterator[Started]:
    """A service that may die."""
    words, environment = command(service, urls)
    with subprocess.Popen(words, env=environment) as process:
        try:
            port = environment[f"RECOUNT_{service.upper()}_PORT"]
            running = Started(process, f"http://127.0.0.1:{port}")
            until(lambda: is_ready(running), "the service is ready")
            yield running
        finally:
            process.kill()


def first_key(urls: Urls) -> dict[str, str]:
    words, environment = command("setup", urls)
    made = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return {"Authorization": f"Bearer {made.stdout.splitlines()[0]}"}
