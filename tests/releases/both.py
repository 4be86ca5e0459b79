"""Two releases of the services on the same servers, each service a process of either."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from tests.e2e.deployment import Started, is_ready
from tests.embedded.recount_process import ROOT, free_port
from tests.waiting import until

# The release before this one: its state of the repository.
BEFORE = os.environ.get("RECOUNT_RELEASE_BEFORE", "cb889c4")
STARTS_SECONDS = 180.0


def is_here() -> bool:
    """Whether this clone knows it: one without history does not."""
    named = ["git", "-C", str(ROOT), "cat-file", "-e", f"{BEFORE}^{{commit}}"]
    return subprocess.run(named, capture_output=True, check=False).returncode == 0


@contextmanager
def code_before(folder: Path) -> Iterator[Path]:
    """The release before, unpacked. It runs on the packages of this one."""
    with subprocess.Popen(
        ["git", "-C", str(ROOT), "archive", BEFORE], stdout=subprocess.PIPE
    ) as packed:
        subprocess.run(["tar", "-xC", str(folder)], stdin=packed.stdout, check=True)
    assert packed.returncode == 0
    yield folder


class Servers(msgspec.Struct, frozen=True):
    """Where both releases work."""

    postgres_url: str
    nats_url: str
    clickhouse_url: str


class Both:
    """The processes that run, by service; several of one while it is handed over."""

    def __init__(self, servers: Servers, ends: ExitStack) -> None:
        self._servers = servers
        self._ends = ends
        self._running: dict[str, list[Started]] = {}

    def any_url(self, service: str) -> str:
        return random.choice(self._running[service]).url

    def start(self, service: str, code: Path) -> Started:
        """One more, which gets its share of requests once it is ready."""
        process, port = self._process(service, code)
        started = Started(process, f"http://127.0.0.1:{port}")
        until(partial(is_ready, started), f"{service} of {code} is ready", STARTS_SECONDS)
        self._running.setdefault(service, []).append(started)
        return started

    def stop(self, service: str, one: Started) -> None:
        """As an operator does: no more requests, then SIGTERM."""
        self._running[service].remove(one)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(STARTS_SECONDS) in (0, -signal.SIGTERM)

    def stop_all(self) -> None:
        for service, running in self._running.items():
            for one in tuple(running):
                self.stop(service, one)

    def refused(self, service: str, code: Path) -> tuple[int, str]:
        """Exit code of a start that has to fail, and what it says."""
        process, _ = self._process(service, code, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=STARTS_SECONDS)
        return process.returncode, said.decode()

    def recount(self, code: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        """The command of this release."""
        main = "from services.embedded.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", main, *words],
            cwd=code,
            env={
                "PYTHONPATH": str(code),
                "RECOUNT_EMBEDDED_POSTGRES_URL": self._servers.postgres_url,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def _process(
        self, service: str, code: Path, stderr: int | None = None
    ) -> tuple["subprocess.Popen[bytes]", int]:
        own, port = f"RECOUNT_{service.upper()}", free_port()
        environment = {
            "PYTHONPATH": str(code),
            f"{own}_DATABASE_URL": self._servers.postgres_url,
            f"{own}_NATS_URL": self._servers.nats_url,
            f"{own}_CLICKHOUSE_URL": self._servers.clickhouse_url,
            f"{own}_PORT": str(port),
            f"{own}_INSIGHTS_BUDGET": "",
            f"{own}_OTHERS_BUDGET": "",
        }
        process = self._ends.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"],
                cwd=code,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        )
        self._ends.callback(process.kill)
        return process, port
