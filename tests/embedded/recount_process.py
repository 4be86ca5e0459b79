"""`recount serve` as people start it: a process of its own, on a folder and a port."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RECOUNT = [sys.executable, "-c", "from services.embedded.cli import main; main()"]
READY = "Recount is ready: "


class Served:
    """A running server. printed: what it wrote to stdout until it was ready."""

    def __init__(self, process: "subprocess.Popen[str]", printed: str) -> None:
        self.process = process
        self.printed = printed
        self.url = printed.rpartition(READY)[2].strip()
        self.servers = psutil.Process(process.pid).children(recursive=True)

    def end(self, by: signal.Signals) -> int:
        """The exit code."""
        self.process.send_signal(by)
        return self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> Mapping[str, str]:
    return {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@contextmanager
def serving(
    data: Path,
    *options: str,
    port: int | None = None,
    program: Sequence[str] = RECOUNT,
    settings: Mapping[str, str] = {},
) -> Iterator[Served]:
    """`recount serve` on the folder, ready; killed at the end if it still runs.

    settings: of the environment, besides those of every test.
    """
    command = [*program, "serve", "--data-dir", str(data), "--port", str(port or free_port())]
    with subprocess.Popen(
        [*command, *options],
        env={**environment(), **settings},
        stdout=subprocess.PIPE,
        text=True,
        # The names of folders need not be text.
        errors="surrogateescape",
    ) as process:
        try:
            yield Served(process, _until_ready(process))
        finally:
            process.kill()


def _until_ready(process: "subprocess.Popen[str]") -> str:
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if line.startswith(READY):
            return printed
    raise AssertionError(f"ended with {process.wait()} before it was ready; it printed: {printed}")


def recount(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end."""
    return subprocess.run(
        [*RECOUNT, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
