"""A disk that is full and then is not, under the bus of a running server: nothing acknowledged is
lost, and nobody has to do anything.
"""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import servers, waiting
from tests.embedded.recount_process import ROOT, Served, environment, serving

STORED = Path(__file__).with_name("stored_events.py")
# Random, so that nothing makes it smaller.
PADDING = 150_000


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size in the folder's place; skips the test where nobody may mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs mount, to make a small disk")
    if mounted.returncode:
        pytest.skip(f"needs the right to mount, to make a small disk: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(folder)], check=True)


class Sender:
    """Captures one event after the other. kept: the uuids that were acknowledged."""

    def __init__(self, served: Served, token: str) -> None:
        self.http = httpx.Client(base_url=served.url, timeout=60)
        self.token = token
        self.kept: list[str] = []

    def send(self) -> httpx.Response:
        uuid = str(uuid4())
        event = {
            "event": "filled",
            "distinct_id": "anna",
            "uuid": uuid,
            "properties": {"padding": secrets.token_urlsafe(PADDING)},
        }
        answer = self.http.post("/batch/", json={"api_key": self.token, "batch": [event]})
        if answer.status_code == 200:
            self.kept.append(uuid)
        return answer

    def capture_part(self) -> tuple[int, dict[str, Any]]:
        answer = self.http.get("/_readyz")
        return answer.status_code, answer.json()["parts"]["capture"]


@pytest.mark.timeout(600)
def test_a_full_disk_is_told_and_events_are_taken_again_once_there_is_room() -> None:
    with servers.server_folder() as made:
        data = made / "data"
        with serving(data, "--no-demo") as served:
            token = served.printed.partition("capture token ")[2].partition(")")[0]
            served.end(by=signal.SIGTERM)
        bus = data / "nats"
        with small_disk(bus, 24), serving(data, "--no-demo") as served:
            sender = Sender(served, token)
            refused = next(
                answer for _ in range(1_000) if (answer := sender.send()).status_code != 200
            )
            assert refused.status_code == 503
            assert refused.json()["code"] == "unavailable"
            assert "Retry-After" in refused.headers
            status, part = sender.capture_part()
            assert (status, part["status"]) == (200, "degraded")
            assert "captured events can't be kept" in part["reason"]
            # Still so, and nothing pretends otherwise.
            assert sender.send().status_code == 503

            resize(bus, 200)
            waiting.until(lambda: sender.send().status_code == 200, "events are taken again")
            waiting.until(
                lambda: sender.capture_part()[1]["status"] == "ok", "the capture part is ready"
            )
            last = sender.send()
            reach = f"/i/position?reach={last.headers['Ingest-Position']}&wait=30"
            assert sender.http.get(reach).json()["reached"] is True
            assert served.end(by=signal.SIGTERM) == 0
        assert len(sender.kept) > 50
        assert stored_uuids(data) >= len(sender.kept)


def stored_uuids(data: Path) -> int:
    """How many different events the engine holds."""
    told = subprocess.run(
        [sys.executable, str(STORED), str(data)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ((_, distinct, _),) = json.loads(told.stdout).values()
    return int(distinct)
