"""The README's subscriber, word for word, while the relay is killed and started again."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import httpx

from tests import servers
from tests.e2e.deployment import Started, Urls, command, is_ready
from tests.embedded.recount_process import ROOT
from tests.waiting import until

LIVES, PER_LIFE = 3, 20


def subscriber(folder: Path) -> Path:
    """The one Python example of the README, as a file."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 20
    file = folder / "follow.py"
    file.write_text(code)
    return file


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
            following = following or ends.enter_context(follower(tmp_path, bus.url, told))
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


def lines(told: TextIO) -> list[str]:
    told.flush()
    return Path(told.name).read_text().splitlines()


@contextmanager
def follower(folder: Path, url: str, told: TextIO) -> "Iterator[subprocess.Popen[bytes]]":
    words = [sys.executable, str(subscriber(folder)), url, "0"]
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
